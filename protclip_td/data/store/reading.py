"""Reads a store of pairs: Parquet files by confidence and coverage, and a manifest beside them.

`layout` tells what is where. Any process may open a store at any time; reading never writes.
"""

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from protclip_td.data.biotext import compose
from protclip_td.data.entry import Entry
from protclip_td.data.store.layout import SCHEMA, TEXTS, hash_limit, part_name
from protclip_td.data.store.manifest import Group, groups_of, read_manifest
from protclip_td.errors import InputError

_BLOCKS_KEPT = 256
_FILES_KEPT = 32


class Store:
    """A finished store, open for reading.

    Opening it reads the manifest and nothing else. Rows are decoded block by block, and the last
    blocks are kept, so rows that lie together are cheap to read one after the other.

    Parameters:
        folder (str): folder with a `manifest.json`

    Raises:
        InputError: there is no store, or another version made it

    Example::

        >>> store = Store("protanno")
        >>> len(store), store.groups[0]
        (209, Group(confidence=1, coverage=2, begin=0, size=2, offset=0))
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self.manifest = read_manifest(self.folder)
        self.groups = groups_of(self.manifest)
        self._order = self.manifest["options"]["properties"]
        self._pairs = self.folder / self.manifest["pairs"]
        self._block_rows = self.manifest["block_rows"]
        self._part_rows = self.manifest["part_rows"]
        self._begins = [group.begin for group in self.groups]
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        # Neither refers to the store, so what they keep goes as soon as it does.
        self._file = lru_cache(_FILES_KEPT)(partial(_open_part, self._pairs, self.groups))
        self._block = lru_cache(_BLOCKS_KEPT)(partial(_read_block, self._file))

    def __len__(self) -> int:
        return self.groups[-1].begin + self.groups[-1].size if self.groups else 0

    def __getitem__(self, row: int) -> Entry:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a store of {len(self)} entries")
        if self._process != os.getpid():
            self._open()  # a forked worker shares no open file with its parent
        group, part, block, place = self._locate(row)
        return self._block(group, part, block).entry(place, self.groups[group].confidence)

    def read(self, rows: Sequence[int]) -> list[Entry]:
        """Read many rows, each block of them once.

        Parameters:
            rows (sequence of int): any rows in any order

        Returns:
            list of Entry: in the order of `rows`
        """
        entries: list[Entry | None] = [None] * len(rows)
        for place in sorted(range(len(rows)), key=lambda place: int(rows[place])):
            entries[place] = self[int(rows[place])]
        return entries  # type: ignore[return-value]

    def biotext(self, entry: Entry) -> str:
        """An entry's biotext, its properties in the order that the store was built with.

        Example::

            >>> store.biotext(store[0])
            'PROTEIN NAME: ...'
        """
        return compose(entry.properties, self._order)

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.folder,)  # a worker opens the files again instead of copying blocks

    def boundary(self, group: Group, fraction: float) -> int:
        """Where a group splits by the hash of the sequence.

        Rows before it have hashes in the lower `fraction` of all hashes, rows from it on have not.
        Equal sequences have equal hashes, so they are on the same side, in every group.

        Parameters:
            group (Group): one of `groups`
            fraction (float): 0 to 1

        Returns:
            int: a row of the store, from `group.begin` to `group.begin + group.size`
        """
        limit = hash_limit(fraction)
        number = self.groups.index(group)
        low, high = 0, -(-group.size // self._block_rows)  # blocks; `low` begins below the limit
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._first(number, middle) < limit else (low, middle)
        inside = int(np.count_nonzero(self._digests(number, low).astype(object) < limit))
        return group.begin + low * self._block_rows + inside

    def _first(self, group: int, block: int) -> int:
        part, inside = divmod(block, self._part_rows // self._block_rows)
        return self._file(group, part).first_digest(inside)

    def _digests(self, group: int, block: int) -> np.ndarray:
        part, inside = divmod(block, self._part_rows // self._block_rows)
        return self._file(group, part).read(inside, ["digest"])["digest"].to_numpy()

    def _locate(self, row: int) -> tuple[int, int, int, int]:
        """Group, part in it, block in that, place in that."""
        group = bisect_right(self._begins, row) - 1
        part, rest = divmod(row - self._begins[group], self._part_rows)
        return group, part, *divmod(rest, self._block_rows)


def _open_part(pairs: Path, groups: Sequence[Group], group: int, part: int) -> "_PartFile":
    return _PartFile(pairs / part_name(groups[group].confidence, groups[group].coverage, part))


class _PartFile:
    """A Parquet file of a store, open for reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _damage_explained(path):
            self._file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)

    def read(self, block: int, columns: list[str] | None = None) -> pa.Table:
        with _damage_explained(self._path):
            return self._file.read_row_group(block, columns, use_threads=False)

    def first_digest(self, block: int) -> int:
        column = SCHEMA.get_field_index("digest")
        with _damage_explained(self._path):
            return self._file.metadata.row_group(block).column(column).statistics.min


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            f"{path} of a ProtAnno store is gone; if the store was built anew while it was read, "
            "open it again, else `protclip-td protanno verify` says what is missing"
        ) from error
    except (OSError, ValueError, LookupError, AttributeError) as error:  # as the wrong byte is
        what = " ".join(str(error).split())
        raise InputError(
            f"{path} of a ProtAnno store is damaged ({what}); "
            "`protclip-td protanno verify` names all that is"
        ) from error


class _Block:
    """Decompressed columns of a block; a row's texts are decoded when it is asked for."""

    def __init__(self, table: pa.Table) -> None:
        self._texts = [_bytes_and_ends(table[name]) for name in TEXTS]
        self._reviewed = table["reviewed"].to_pylist()

    def entry(self, place: int, confidence: int) -> Entry:
        accession, sequence, *properties = (
            data[ends[place] : ends[place + 1]].decode() for data, ends in self._texts
        )
        return Entry(accession, sequence, tuple(properties), confidence, self._reviewed[place])


def _read_block(file: Callable[[int, int], _PartFile], group: int, part: int, block: int) -> _Block:
    return _Block(file(group, part).read(block))


def _bytes_and_ends(column: pa.ChunkedArray) -> tuple[bytes, memoryview]:
    """The letters of all rows, and where each row ends, the first at 1."""
    array = column.combine_chunks()
    if array.offset:
        array = pa.concat_arrays([array])  # a copy that begins at the buffers' beginning
    _, ends, data = array.buffers()
    return data.to_pybytes() if data is not None else b"", memoryview(ends.to_pybytes()).cast("i")
