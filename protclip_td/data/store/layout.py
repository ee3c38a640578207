"""How a store is laid out.

A store is a folder::

    manifest.json                                     what is valid, and where it came from
    pairs-<12 hex>/confidence=1/coverage=4/part-00000.parquet

A *group* is what one confidence and one coverage have in common. Its rows are sorted by the hash of
their sequence, so their order is random as far as biology is concerned and yet always the same; it
is cut into parts of `PART_ROWS` rows, and a part into blocks of `BLOCK_ROWS` rows, Parquet's row
groups. A block is what is read at once.
"""

import math

import pyarrow as pa

from protclip_td.properties import PROPERTIES

#: Rows that are read at once; a multiple of it is in each part but a group's last one.
BLOCK_ROWS = 512
PART_ROWS = 128 * BLOCK_ROWS

TEXTS = ("accession", "sequence", *(p.key for p in PROPERTIES))

#: Columns of each Parquet file; confidence and coverage stand in its path.
SCHEMA = pa.schema(
    [*((name, pa.string()) for name in TEXTS), ("reviewed", pa.bool_()), ("digest", pa.uint64())]
)


def part_name(confidence: int, coverage: int, part: int) -> str:
    """Path of a part inside the folder of pairs, in the way of Hive.

    Example::

        >>> part_name(1, 4, 0)
        'confidence=1/coverage=4/part-00000.parquet'
    """
    return f"confidence={confidence}/coverage={coverage}/part-{part:05d}.parquet"


def hash_limit(fraction: float) -> int:
    """The number that this share of all 64-bit hashes is below."""
    return math.ceil(fraction * 2**64)
