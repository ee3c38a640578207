"""Reads what a store says of itself."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from protclip_td.errors import InputError
from protclip_td.version import __version__

FORMAT = 1
MANIFEST = "manifest.json"


class Group(NamedTuple):
    """Rows of one confidence and one coverage that lie together: all, or one split's part of them.

    Parameters:
        confidence (int): sample confidence C, 1 to 5
        coverage (int): number of properties, 1 to 4
        begin (int): first row
        size (int): number of rows
        offset (int): place of the first row in its block of the store, where that is cut
    """

    confidence: int
    coverage: int
    begin: int
    size: int
    offset: int = 0


def groups_of(manifest: dict[str, Any]) -> list[Group]:
    """The groups that a manifest names, in order, with their rows of the store."""
    groups, begin = [], 0
    for record in manifest["groups"]:
        size = sum(part["rows"] for part in record["parts"])
        groups.append(Group(record["confidence"], record["coverage"], begin, size))
        begin += size
    return groups


def seal(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest with its own checksum in it, as `read_manifest` expects it.

    Parameters:
        manifest (dict): plain types, with or without an older checksum
    """
    return {**manifest, "sha256": _checksum(manifest)}


def _checksum(manifest: dict[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a store.

    Raises:
        InputError: there is no store, its manifest is damaged or another program's, or this
            version cannot read it
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no ProtAnno store: there is no {MANIFEST} in it")
    manifest = _load(path)
    version = manifest.get("format")
    if type(version) is not int:  # True is one of Python's integers, too
        raise _foreign(path)
    if version != FORMAT:
        raise InputError(
            f"{folder} is a ProtAnno store of format {version}, and this version of protclip_td "
            f"({__version__}) reads format {FORMAT}; update protclip_td, or build the store again "
            "in an empty folder"
        )
    if manifest.get("sha256") != _checksum(manifest):
        raise InputError(
            f"{path} was changed: its content is not that of its checksum; put a copy of the whole "
            "store in its place, or build the store again in an empty folder"
        )
    return manifest


def _load(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise _foreign(path) from None
    if not isinstance(manifest, dict):
        raise _foreign(path)
    return manifest


def _foreign(path: Path) -> InputError:
    return InputError(
        f"{path} is not the manifest of a ProtAnno store, or it is damaged; give another folder, "
        "or build the store again in an empty one"
    )
