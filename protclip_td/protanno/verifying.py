"""Whether a finished store is still what its manifest says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.manifest import MANIFEST, groups_of, read_manifest
from protclip_td.data.writing import file_sha256, pairs_name


def find_damage(folder: str | Path) -> list[str]:
    """Check every part of a store against its checksum, and the manifest against itself.

    Parameters:
        folder (str): the store

    Returns:
        list of str: what is wrong, a line for each fault; empty if all is well

    Raises:
        InputError: there is no store, or it was made by another version
    """
    folder = Path(folder).expanduser()
    manifest = read_manifest(folder)
    pairs = manifest["pairs"]
    faults = [(MANIFEST, what) for what in _contradictions(manifest)]
    faults += [(n, "missing") for n in manifest.get("files", []) if not (folder / n).is_file()]
    for part in (part for group in manifest["groups"] for part in group["parts"]):
        what = _damage(folder / pairs / part["path"], part)
        if what:
            faults.append((f"{pairs}/{part['path']}", what))
    return [f"{name}: {what}" for name, what in faults]


def _contradictions(manifest: dict[str, Any]) -> Iterator[str]:
    """What a manifest says in two ways."""
    if pairs_name(manifest["groups"]) != manifest["pairs"]:
        yield "its groups are not those that it was written with"
    sizes = {(group.confidence, group.coverage): group.size for group in groups_of(manifest)}
    after = np.array(manifest["counts"]["after"])
    counts = {(row + 1, column + 1): int(after[row, column]) for row, column in np.argwhere(after)}
    if sizes != counts:
        yield "its counts are not those of its groups"
    rows = sum(sizes.values())
    if manifest["entries"] != rows:
        yield f"{manifest['entries']:,} entries, but {rows:,} rows in its groups"
    splits = list(manifest.get("splits", {"all": after}).values())
    if not np.array_equal(np.sum(splits, axis=0), after):
        yield "its splits do not add up to its counts"


def _damage(path: Path, part: dict[str, Any]) -> str | None:
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != part["bytes"]:
        return f"{size:,} bytes instead of {part['bytes']:,}"
    try:
        return None if file_sha256(path) == part["sha256"] else "its content has changed"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
