"""Formats from which single rows can be read: plain Arrow IPC and LMDB."""

import struct
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pyarrow as pa
import zstandard
from formats_rows import COLUMNS

Row = tuple[Any, ...]
_BATCH = 65_536
_DICTIONARY = 112_640  # bytes, zstd's usual size
_MAP = 1 << 36


class PlainArrowReader:
    """Uncompressed columns, mapped from one file."""

    def __init__(self, folder: Path) -> None:
        reader = pa.ipc.open_file(pa.memory_map(str(folder / "rows.arrow")))
        batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        self._batches = [batch.select(list(COLUMNS)) for batch in batches]

    def read(self, rows: np.ndarray) -> list[Row]:
        """The columns of some rows."""
        found = []
        for part, place in zip(*(x.tolist() for x in np.divmod(rows, _BATCH))):
            found.append(tuple([column[place].as_py() for column in self._batches[part].columns]))
        return found


def write_plain_arrow(table: pa.Table, folder: Path) -> None:
    """Write one file."""
    with pa.ipc.new_file(folder / "rows.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=_BATCH)


class LmdbReader:
    """A value per row, compressed with a dictionary made of some rows."""

    def __init__(self, folder: Path) -> None:
        self._environment = lmdb.open(
            str(folder / "rows"), readonly=True, lock=False, map_size=_MAP
        )
        dictionary = zstandard.ZstdCompressionDict((folder / "dictionary").read_bytes())
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)

    def read(self, rows: np.ndarray) -> list[Row]:
        """The columns of some rows."""
        found: list[Row] = []
        with self._environment.begin() as transaction:
            for row in rows.tolist():
                value = transaction.get(struct.pack(">Q", row))
                *texts, reviewed = self._decompressor.decompress(value).decode().split("\t")
                found.append((*texts, bool(int(reviewed))))
        return found


def write_lmdb(table: pa.Table, folder: Path) -> None:
    """Write one environment and the dictionary."""
    sample = [_value(row) for row in table.take(np.arange(0, len(table), 97)).to_pylist()]
    dictionary = zstandard.train_dictionary(_DICTIONARY, sample[:20_000])
    (folder / "dictionary").write_bytes(dictionary.as_bytes())
    compressor = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
    environment = lmdb.open(str(folder / "rows"), map_size=_MAP, sync=False)
    for begin in range(0, len(table), _BATCH):
        with environment.begin(write=True) as transaction:
            for row, columns in enumerate(table.slice(begin, _BATCH).to_pylist(), begin):
                value = compressor.compress(_value(columns))
                transaction.put(struct.pack(">Q", row), value, append=True)
    environment.close()


def _value(columns: dict[str, Any]) -> bytes:
    texts = [columns[name] for name in COLUMNS[:-1]]
    return "\t".join([*texts, str(int(columns["reviewed"]))]).encode()
