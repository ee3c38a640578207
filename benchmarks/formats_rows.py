"""The rows that every store format is given, and the order in which they are asked for.

Rows are those of the default rule (confidence 1 to 3, coverage 3/4 and 4/4), by group and, inside
a group, by the hash of the sequence, as in the project's own store.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from synthetic_entries import Synthetic

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry
from protclip_td.data.sampling.property_driven import entry_weight
from protclip_td.properties import PROPERTIES

CONFIDENCES, COVERAGES = (1, 2, 3), (3, 4)
TEXTS = ("accession", "sequence", *(p.key for p in PROPERTIES))
#: Columns that reading a row gives back.
COLUMNS = (*TEXTS, "reviewed")
WINDOW_ROWS = 8_192  # rows that a group's draw mixes at a time
_CHUNK = 50_000
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in TEXTS),
        ("reviewed", pa.bool_()),
        ("digest", pa.uint64()),
        ("confidence", pa.uint8()),
        ("coverage", pa.uint8()),
    ]
)


class Group(NamedTuple):
    """Rows of one confidence and coverage, which lie side by side."""

    confidence: int
    coverage: int
    begin: int
    size: int


def make_rows(path: Path, number: int, seed: int = 0) -> float:
    """Write the rows as one uncompressed Arrow file.

    Returns:
        bytes per row of the fields' flat text after gzip (level 6), in the order of the input
    """
    flat, size, tables, chunk = zlib.compressobj(6, wbits=31), 0, [], []
    for entry in Synthetic(seed, CONFIDENCES, COVERAGES).entries(number):
        text = "\t".join((entry.accession, entry.sequence, *entry.properties)) + "\n"
        size += len(flat.compress(text.encode()))
        chunk.append(entry)
        if len(chunk) == _CHUNK:
            tables.append(_table(chunk))
            chunk = []
    table = pa.concat_tables([*tables, _table(chunk)])
    keys = ("confidence", "coverage", "digest", "accession")
    table = table.sort_by([(key, "ascending") for key in keys])
    with pa.ipc.new_file(path, _SCHEMA) as file:
        file.write_table(table.combine_chunks())
    return (size + len(flat.flush())) / number


def _table(entries: list[Entry]) -> pa.Table:
    columns = [
        [e.accession for e in entries],
        [e.sequence for e in entries],
        *([e.properties[k] for e in entries] for k in range(len(PROPERTIES))),
        [e.reviewed for e in entries],
        [text_digest(e.sequence) for e in entries],
        [e.confidence for e in entries],
        [e.coverage for e in entries],
    ]
    return pa.table(columns, schema=_SCHEMA)


def open_rows(path: Path) -> pa.Table:
    """The rows, mapped from the file."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def groups_of(table: pa.Table) -> list[Group]:
    """Where each group lies."""
    cells = np.asarray(table["confidence"]).astype(int) * 10 + np.asarray(table["coverage"])
    found, begins, sizes = np.unique(cells, return_index=True, return_counts=True)
    columns = (found // 10, found % 10, begins, sizes)
    return [Group(*row) for row in zip(*(column.tolist() for column in columns))]


def drawn_rows(groups: list[Group], number: int, block: int, seed: int = 0) -> np.ndarray:
    """Rows of a training epoch, drawn by group, and block by block inside a group.

    A group's blocks come in random order; the rows of a few blocks (8,192 rows) are mixed.
    """
    generator = np.random.default_rng(seed)
    confidence, coverage, _, size = np.array(groups).T
    mass = size * entry_weight(confidence, coverage)
    which = generator.choice(len(groups), number, p=mass / mass.sum())
    rows = np.empty(number, dtype=np.int64)
    for index, group in enumerate(groups):
        here = np.flatnonzero(which == index)
        if len(here):
            rows[here] = group.begin + _mixed(group.size, len(here), block, generator)
    return rows


def _mixed(size: int, number: int, block: int, generator: np.random.Generator) -> np.ndarray:
    windows: list[np.ndarray] = []
    while sum(map(len, windows)) < number:
        windows.extend(_pass(size, block, generator))
    return np.concatenate(windows)[:number]


def _pass(size: int, block: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """All rows of a group once."""
    order = generator.permutation(-(-size // block))
    per_window = max(1, WINDOW_ROWS // block)
    for begin in range(0, len(order), per_window):
        blocks = order[begin : begin + per_window]
        rows = (blocks[:, None] * block + np.arange(block)).ravel()
        yield generator.permutation(rows[rows < size])
