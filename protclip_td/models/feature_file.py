"""Rows of numbers by key, on the disk: what a fixed encoder has said about proteins or texts."""

import logging
import os
import weakref
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

#: Bytes of a key.
KEY_SIZE = 16
_ROWS_PER_READ = 4096
_MAX_BYTES = 4 << 30  # that a process adds to a folder


class FeatureFolder:
    """Rows of one width by key, in the files of a folder.

    Each process adds to a file of its own and reads those that were there when it came, so that any
    number of processes may share a folder. A row carries a checksum: one that a killed process left
    half-written, or a disk has altered, is as good as absent. In memory there is a key and a place
    per row, never the rows.

    Parameters:
        folder (Path): made with the first row
        width (int): numbers in a row

    Example::

        >>> features = FeatureFolder(Path("kept"), width=2)
        >>> features.add([b"k" * 16], np.ones((1, 2), np.float32))
        >>> features.find(b"k" * 16)
        array([1., 1.], dtype=float32)
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.folder = folder
        self.row = np.dtype([("key", f"S{KEY_SIZE}"), ("values", "<f4", width), ("sum", "<u4")])
        self.room = _MAX_BYTES
        self._own: int | None = None
        self._own_size = 0
        self._places: dict[bytes, tuple[int, int]] = {}
        self._files: list[int] = []
        weakref.finalize(self, _close, self._files)
        for path in sorted(folder.glob("*.rows")):
            self._index(path)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def find(self, key: bytes) -> NDArray[np.float32]:
        """The row of a key, which has to be there."""
        file, start = self._places[key]
        (row,) = np.frombuffer(os.pread(file, self.row.itemsize, start), self.row)
        return row["values"].copy()

    def add(self, keys: Sequence[bytes], values: NDArray[np.float32]) -> None:
        """Keep rows, while there is room; a full or read-only disk only ends the keeping."""
        rows = np.zeros(len(keys), self.row)
        rows["key"], rows["values"] = keys, values
        rows["sum"] = [_checksum(row) for row in rows]
        if rows.nbytes > self.room:
            return
        try:
            file = self._open()
            if os.pwrite(file, rows.tobytes(), self._own_size) < rows.nbytes:
                raise OSError("the disk is full")
        except OSError as error:
            logger.warning("%s: features are no longer kept: %s", self.folder, error)
            self.room = 0
            return
        for i, key in enumerate(keys):
            self._places[key] = (file, self._own_size + i * self.row.itemsize)
        self._own_size += rows.nbytes
        self.room -= rows.nbytes

    def _open(self) -> int:
        """This process's own file."""
        if self._own is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{uuid4().hex}.rows"
            self._own = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            self._files.append(self._own)
        return self._own

    def _index(self, path: Path) -> None:
        """Note the places of the rows of a file that are whole."""
        file = os.open(path, os.O_RDONLY)
        self._files.append(file)
        for start, rows in _chunks(file, self.row):
            for i, row in enumerate(rows):
                if int(row["sum"]) == _checksum(row):
                    key = rows[i : i + 1].tobytes()[:KEY_SIZE]
                    self._places[key] = (file, start + i * self.row.itemsize)


def _chunks(file: int, row: np.dtype) -> Iterator[tuple[int, NDArray]]:
    """The whole rows of a file, some at a time, with the place of the first."""
    start = 0
    while True:
        content = os.pread(file, _ROWS_PER_READ * row.itemsize, start)
        count = len(content) // row.itemsize
        if count == 0:
            return
        yield start, np.frombuffer(content[: count * row.itemsize], row)
        start += count * row.itemsize


def _checksum(row: np.void) -> int:
    return zlib.crc32(row.tobytes()[:-4])


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
