"""Writes what a store is made of: rows to Parquet parts, a manifest of them."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from protclip_td.data.digests import sha256_of, text_digest
from protclip_td.data.entry import Entry
from protclip_td.data.store.layout import BLOCK_ROWS, PART_ROWS, SCHEMA, part_name
from protclip_td.data.store.manifest import FORMAT
from protclip_td.data.store.tally import Tally
from protclip_td.version import __version__

#: Table in the store's folder of what was left out, and why.
REJECTED = "rejected.tsv"

# Each text is almost unique, and lengths apart from letters compress best.
_TEXTS = [field.name for field in SCHEMA if field.type == pa.string()]
_PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,
    "column_encoding": dict.fromkeys(_TEXTS, "DELTA_LENGTH_BYTE_ARRAY"),
    "write_statistics": ["digest"],  # where a split begins is found by them
    "store_schema": False,
}


def to_table(entries: Sequence[Entry]) -> pa.Table:
    """At least one entry as columns of a store, in their order."""
    texts = zip(*((e.accession, e.sequence, *e.properties) for e in entries))
    columns = [pa.array(column, pa.string()) for column in texts]
    reviewed = pa.array([entry.reviewed for entry in entries], pa.bool_())
    digests = pa.array([text_digest(entry.sequence) for entry in entries], pa.uint64())
    return pa.table([*columns, reviewed, digests], schema=SCHEMA)


def write_part(path: Path, tables: Iterable[pa.Table]) -> dict[str, Any]:
    """Write the rows of some tables to one Parquet file, in blocks of `BLOCK_ROWS` rows.

    Parameters:
        path (Path): file to make, also its folder
        tables (iterable of Table): rows in the order of the store, at most `PART_ROWS` of them

    Returns:
        dict: rows, bytes and sha256 of the file, for the manifest
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(path, SCHEMA, **_PARQUET) as writer:
        for block in _blocks(tables):
            writer.write_table(block, row_group_size=BLOCK_ROWS)
            rows += len(block)
    with path.open("rb") as file:
        os.fsync(file.fileno())  # on the disk before a manifest says so
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _blocks(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of whole blocks, but for the last."""
    rest = SCHEMA.empty_table()
    for table in tables:
        rest = pa.concat_tables([rest, table])
        whole = len(rest) // BLOCK_ROWS * BLOCK_ROWS
        if whole:
            yield rest.slice(0, whole)
            rest = rest.slice(whole)
    if len(rest):
        yield rest


def describe_groups(parts: dict[tuple[int, int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The groups of a manifest from what `write_part` said, by confidence and coverage."""
    return [
        {
            "confidence": confidence,
            "coverage": coverage,
            "parts": [
                {"path": part_name(confidence, coverage, number), **part}
                for number, part in enumerate(parts[confidence, coverage])
            ],
        }
        for confidence, coverage in sorted(parts)
    ]


def pairs_name(groups: list[dict[str, Any]]) -> str:
    """The folder of the parts of some groups, which no other content shares."""
    content = json.dumps(groups, sort_keys=True).encode()
    return f"pairs-{hashlib.sha256(content).hexdigest()[:12]}"


def make_manifest(
    groups: list[dict[str, Any]],
    before: Tally,
    after: Tally,
    rejected: dict[str, int],
    description: dict[str, Any],
) -> dict[str, Any]:
    """What a store says of itself.

    It holds no time, no machine and no path, so that the same inputs give the same bytes.

    Parameters:
        groups (list): see `describe_groups`
        before (Tally): of the entries that were read
        after (Tally): of those in the store
        rejected (dict): how many were no pairs, by reason
        description (dict): inputs, options, splits, and what was dropped and excluded
    """
    return {
        "format": FORMAT,
        "pairs": pairs_name(groups),
        "entries": int(after.counts.sum()),
        **description,
        "counts": {"before": before.counts.tolist(), "after": after.counts.tolist()},
        "confidence_assumed": {"before": before.assumed, "after": after.assumed},
        "rejected": dict(sorted(rejected.items())),
        "statistics": after.histograms(),
        "versions": {"protclip_td": __version__, "pyarrow": pa.__version__},
        "block_rows": BLOCK_ROWS,
        "part_rows": PART_ROWS,
        "groups": groups,
    }


def rejected_line(record: Sequence[str]) -> str:
    """A line of the table of what was left out."""
    return "\t".join(" ".join(cell.split()) for cell in record) + "\n"
