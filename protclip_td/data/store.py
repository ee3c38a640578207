"""Keeps pairs in a folder: one blob of text, memory-mapped arrays beside it, a manifest.

Any process may open a store at any time; reading never writes, and a store is never changed once
it is there.
"""

import hashlib
import json
import os
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from protclip_td.data.entry import Entry, Rejection
from protclip_td.errors import InputError
from protclip_td.version import __version__

FORMAT = 1
MANIFEST = "manifest.json"
REJECTED = "rejected.tsv"
_BLOB = "text.bin"
_ROW = np.dtype(
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
        self._rows = np.load(self.folder / "rows.npy", mmap_mode="r")
        self._offsets = np.load(self.folder / "offsets.npy", mmap_mode="r")
        self._blob = np.memmap(self.folder / _BLOB, mode="r")

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


def build_store(
    entries: Iterable[Entry],
    folder: str | Path,
    rejected: Sequence[Rejection] = (),
    description: dict[str, Any] | None = None,
) -> Store:
    """Write a store, whole or not at all.

    It is made beside `folder` and then renamed. If another process puts a store there first, that
    one stays, and is the one returned.

    Parameters:
        entries (iterable of Entry): read once, from first to last, and not kept in memory
        folder (str): where the store shall be
        rejected (sequence of Rejection, optional): what was left out, which may grow while
            `entries` is read; kept as a table in the folder and counted by reason in the manifest
        description (dict, optional): goes into the manifest, such as source and options

    Raises:
        InputError: no entry at all, or the folder cannot be written to
    """
    folder = Path(folder).expanduser()
    building = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        building.chmod(0o755)
        _write(building, entries, rejected, description or {})
        _rename(building, folder)
    except OSError as error:
        raise InputError(
            f"cannot write the ProtAnno store {folder}: {error.strerror}; "
            "give a path on a disk with room where you may write"
        ) from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    return Store(folder)


def _rename(building: Path, folder: Path) -> None:
    try:
        os.rename(building, folder)
    except OSError:
        if not (folder / MANIFEST).is_file():
            raise


def _write(
    building: Path,
    entries: Iterable[Entry],
    rejected: Sequence[Rejection],
    description: dict[str, Any],
) -> None:
    with (building / _BLOB).open("wb") as blob:
        offsets, rows = _write_blob(blob, entries)
    if not len(rows):
        raise InputError(_nothing_left(rejected, description))
    np.save(building / "offsets.npy", np.frombuffer(offsets, dtype=np.int64))
    np.save(building / "rows.npy", rows)
    lines = ["\t".join(("where", "reason", "detail")), *("\t".join(r) for r in rejected)]
    (building / REJECTED).write_text("\n".join(lines) + "\n")
    manifest = {
        "format": FORMAT,
        **description,
        "entries": len(rows),
        "counts": count_table(rows["confidence"], rows["coverage"]).tolist(),
        "rejected": dict(Counter(rejection.reason for rejection in rejected)),
        "versions": {"protclip_td": __version__},
    }
    (building / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _write_blob(blob: BinaryIO, entries: Iterable[Entry]) -> tuple[array, np.ndarray]:
    offsets, rows, end = array("q", [0]), [], 0
    for entry in entries:
        for text in (entry.accession, entry.sequence, *entry.properties):
            end += blob.write(text.encode())
            offsets.append(end)
        reviewed = -1 if entry.reviewed is None else int(entry.reviewed)
        digest = sequence_digest(entry.sequence)
        rows.append((entry.confidence, entry.coverage, reviewed, len(entry.sequence), digest))
    return offsets, np.array(rows, dtype=_ROW)


def _nothing_left(rejected: Sequence[Rejection], description: dict[str, Any]) -> str:
    reasons = Counter(rejection.reason for rejection in rejected)
    why = ", ".join(f"{number} x {reason}" for reason, number in reasons.most_common())
    first = f"; the first is {' '.join(filter(None, rejected[0]))}" if rejected else ""
    return (
        f"no usable entry in {description.get('source', {}).get('path', 'the source')}: "
        f"{len(rejected)} rejected ({why or 'nothing in it'}){first}"
    )


def count_table(confidence: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """How many rows there are of each confidence (rows, 1 to 5) and coverage (columns, 1 to 4)."""
    cells = (confidence.astype(np.int64) - 1) * 4 + coverage - 1
    return np.bincount(cells, minlength=20).reshape(5, 4)
