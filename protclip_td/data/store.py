"""Keeps pairs in a folder: one blob of text, memory-mapped arrays beside it, a manifest.

Any process may open a store at any time; reading never writes, and a store is never changed once
it is there.
"""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.entry import Entry
from protclip_td.errors import InputError
from protclip_td.version import __version__

FORMAT = 1
MANIFEST = "manifest.json"
ROWS, OFFSETS, TEXT = "rows.npy", "offsets.npy", "text.bin"

#: What the store knows of a row without reading its text.
ROW = np.dtype(
    [
        ("confidence", "u1"),
        ("coverage", "u1"),
        ("reviewed", "i1"),  # 1, 0, or -1 where the source does not say
        ("length", "<u4"),  # residues
        ("digest", "<u8"),  # of the sequence, for the split
    ]
)
_FIELDS = 6  # accession, sequence, four properties


class Store:
    """A finished store, open for reading.

    Parameters:
        folder (str): where `build_store` put it

    Example::

        >>> store = Store("protanno")
        >>> len(store), store[0].accession
        (209, 'P15455')
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self.manifest = read_manifest(self.folder)
        self._rows = np.load(self.folder / ROWS, mmap_mode="r")
        self._offsets = np.load(self.folder / OFFSETS, mmap_mode="r")
        self._blob = np.memmap(self.folder / TEXT, mode="r")

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Entry:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a store of {len(self)} entries")
        offsets = self._offsets[row * _FIELDS : (row + 1) * _FIELDS + 1].tolist()
        text = self._blob[offsets[0] : offsets[-1]].tobytes()
        bounds = [offset - offsets[0] for offset in offsets]
        fields = [text[begin:end].decode() for begin, end in pairwise(bounds)]
        accession, sequence, name, function, location, similarity = fields
        reviewed = int(self._rows["reviewed"][row])
        return Entry(
            accession=accession,
            sequence=sequence,
            properties=(name, function, location, similarity),
            confidence=int(self._rows["confidence"][row]),
            reviewed=None if reviewed < 0 else bool(reviewed),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.folder,)  # a worker maps the files again instead of copying them

    @property
    def confidence(self) -> np.ndarray:
        """Sample confidence C of every row, shape :math:`(N,)`."""
        return self._rows["confidence"]

    @property
    def coverage(self) -> np.ndarray:
        """How many properties each row has, shape :math:`(N,)`."""
        return self._rows["coverage"]

    @property
    def length(self) -> np.ndarray:
        """Residues of every row, shape :math:`(N,)`."""
        return self._rows["length"]

    @property
    def digest(self) -> np.ndarray:
        """A 64-bit hash of each row's sequence, shape :math:`(N,)`; equal sequences share it."""
        return self._rows["digest"]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a store.

    Raises:
        InputError: there is no store, or it was made by a newer version
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no ProtAnno store: there is no {MANIFEST} in it")
    manifest = json.loads(path.read_text())
    if manifest["format"] > FORMAT:
        raise InputError(
            f"{folder} is a ProtAnno store of format {manifest['format']}, and this version of "
            f"protclip_td ({__version__}) knows formats up to {FORMAT}; update protclip_td"
        )
    return manifest


def sequence_digest(sequence: str) -> int:
    """The first 64 bits of a sequence's SHA-256, the same on every machine.

    Example::

        >>> hex(sequence_digest("MK"))
        '0xec5193aaaa0f69b2'
    """
    return int.from_bytes(hashlib.sha256(sequence.encode()).digest()[:8], "little")


def count_table(confidence: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """How many rows there are of each confidence (rows, 1 to 5) and coverage (columns, 1 to 4)."""
    cells = (confidence.astype(np.int64) - 1) * 4 + coverage - 1
    return np.bincount(cells, minlength=20).reshape(5, 4)
