"""Builds a store, whole or not at all."""

import json
import os
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.store import (
    FORMAT,
    MANIFEST,
    OFFSETS,
    ROW,
    ROWS,
    TEXT,
    Store,
    count_table,
    sequence_digest,
)
from protclip_td.errors import InputError
from protclip_td.version import __version__

#: Table in the store's folder of what was left out, and why.
REJECTED = "rejected.tsv"


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
    with (building / TEXT).open("wb") as blob:
        offsets, rows = _write_blob(blob, entries)
    if not len(rows):
        raise InputError(_nothing_left(rejected, description))
    np.save(building / OFFSETS, np.frombuffer(offsets, dtype=np.int64))
    np.save(building / ROWS, rows)
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
    return offsets, np.array(rows, dtype=ROW)


def _nothing_left(rejected: Sequence[Rejection], description: dict[str, Any]) -> str:
    reasons = Counter(rejection.reason for rejection in rejected)
    why = ", ".join(f"{number} x {reason}" for reason, number in reasons.most_common())
    first = f"; the first is {' '.join(filter(None, rejected[0]))}" if rejected else ""
    return (
        f"no usable entry in {description.get('source', {}).get('path', 'the source')}: "
        f"{len(rejected)} rejected ({why or 'nothing in it'}){first}"
    )
