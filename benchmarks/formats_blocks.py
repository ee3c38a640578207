"""Formats that are read block by block: Parquet, and Arrow IPC with compressed batches."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from formats_rows import COLUMNS, TEXTS, Group

Row = tuple[Any, ...]
#: Rows of one file: opening it reads where each of its blocks lies.
ROWS_PER_PART = 65_536
#: Rows whose blocks are kept decoded.
_KEPT_ROWS = 65_536


class BlockReader:
    """Reads rows by decoding the blocks in which they lie, and keeps the latest.

    Parameters:
        folder (Path): where the parts are
        suffix (str): how their names end
        groups (list of Group): where groups lie
        block (int): rows per block
        open_part (callable): a path to an open part
        decode (callable): an open part and the number of a block in it to Arrow columns
    """

    def __init__(
        self,
        folder: Path,
        suffix: str,
        groups: Sequence[Group],
        block: int,
        open_part: Callable[[str], Any],
        decode: Callable[[Any, int], Iterable[Any]],
    ) -> None:
        self._path = f"{folder}/{{}}-{{}}.{suffix}"
        self._block, self._decode = block, decode
        self._begins = np.array([group.begin for group in groups])
        self._kept: OrderedDict[tuple[int, int], list[list[Any]]] = OrderedDict()
        self._limit = _KEPT_ROWS // block
        self._open = lru_cache(maxsize=64)(open_part)

    def read(self, rows: np.ndarray) -> list[Row]:
        """The columns of some rows."""
        group = np.searchsorted(self._begins, rows, side="right") - 1
        block, place = np.divmod(rows - self._begins[group], self._block)
        found = []
        for g, b, i in zip(group.tolist(), block.tolist(), place.tolist()):
            columns = self._columns(g, b)
            found.append(tuple([column[i] for column in columns]))
        return found

    def _columns(self, group: int, block: int) -> list[list[Any]]:
        key = (group, block)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        part, index = divmod(block, ROWS_PER_PART // self._block)
        decoded = self._decode(self._open(self._path.format(group, part)), index)
        self._kept[key] = [column.to_pylist() for column in decoded]
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return self._kept[key]


def parts(
    table: pa.Table, groups: Sequence[Group], folder: Path
) -> Iterable[tuple[Path, pa.Table]]:
    """A path, without suffix, and its rows, for each part of each group."""
    for number, group in enumerate(groups):
        for begin in range(0, group.size, ROWS_PER_PART):
            size = min(ROWS_PER_PART, group.size - begin)
            path = folder / f"{number}-{begin // ROWS_PER_PART}"
            yield path, table.slice(group.begin + begin, size)


def read_parquet(folder: Path, groups: Sequence[Group], block: int) -> BlockReader:
    """Blocks are row groups."""

    def open_part(path: str) -> pq.ParquetFile:
        return pq.ParquetFile(path, memory_map=True, pre_buffer=False)

    def decode(file: pq.ParquetFile, index: int) -> Iterable[Any]:
        return file.read_row_group(index, columns=list(COLUMNS), use_threads=False).columns

    return BlockReader(folder, "parquet", groups, block, open_part, decode)


def write_parquet(
    table: pa.Table, groups: Sequence[Group], folder: Path, block: int, level: int = 1
) -> None:
    """Write parts as the project's own store does, but for block and level."""
    for path, rows in parts(table, groups, folder):
        pq.write_table(
            rows.drop_columns(["confidence", "coverage"]),
            path.with_suffix(".parquet"),
            row_group_size=block,
            compression="zstd",
            compression_level=level,
            use_dictionary=False,
            column_encoding=dict.fromkeys(TEXTS, "DELTA_LENGTH_BYTE_ARRAY"),
            write_statistics=["digest"],
        )


def read_arrow(folder: Path, groups: Sequence[Group], block: int) -> BlockReader:
    """Blocks are compressed record batches."""

    def open_part(path: str) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(path))

    def decode(file: pa.RecordBatchFileReader, index: int) -> Iterable[Any]:
        return file.get_batch(index).select(list(COLUMNS)).columns

    return BlockReader(folder, "arrow", groups, block, open_part, decode)


def write_arrow(table: pa.Table, groups: Sequence[Group], folder: Path, block: int) -> None:
    """Write parts of compressed batches."""
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    for path, rows in parts(table, groups, folder):
        with pa.ipc.new_file(path.with_suffix(".arrow"), rows.schema, options=options) as file:
            file.write_table(rows, max_chunksize=block)
