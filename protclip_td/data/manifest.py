"""Reads what a store says of itself."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.version import __version__

FORMAT = 2
MANIFEST = "manifest.json"

_PAIRS_NAME = re.compile(r"pairs-[0-9a-f]{12}")


class Group(NamedTuple):
    """The rows of one confidence and one coverage: `size` of them from row `begin` on.

    Parameters:
        confidence (int): sample confidence C, 1 to 5
        coverage (int): number of properties, 1 to 4
        begin (int): first row of the store that belongs to the group
        size (int): number of rows
    """

    confidence: int
    coverage: int
    begin: int
    size: int


def groups_of(manifest: dict[str, Any]) -> list[Group]:
    """The groups that a manifest names, in order, with their rows of the store."""
    groups, begin = [], 0
    for record in manifest["groups"]:
        size = sum(part["rows"] for part in record["parts"])
        groups.append(Group(record["confidence"], record["coverage"], begin, size))
        begin += size
    return groups


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a store.

    Raises:
        InputError: there is no store, its manifest is damaged or another program's, or this
            version cannot read it
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no ProtAnno store: there is no {MANIFEST} in it")
    try:
        manifest = json.loads(path.read_bytes())
        version = int(manifest["format"])
        whole = version != FORMAT or _is_whole(manifest)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise InputError(
            f"{path} is not the manifest of a ProtAnno store, or it is damaged; give another "
            "folder, or build the store again in an empty one"
        )
    if version > FORMAT:
        raise InputError(
            f"{folder} is a ProtAnno store of format {version}, and this version of "
            f"protclip_td ({__version__}) knows formats up to {FORMAT}; update protclip_td"
        )
    if version < FORMAT:
        raise InputError(
            f"{folder} is a ProtAnno store of format {version}, which this version of "
            f"protclip_td ({__version__}) no longer reads; build it again from its source"
        )
    return manifest


def _is_whole(manifest: dict[str, Any]) -> bool:
    """Whether a manifest has what every store's has; else it may raise errors of Python's, too."""
    counts = [np.shape(manifest["counts"][key]) for key in ("before", "after")]
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    return (
        {"entries", "block_rows", "part_rows", "rejected", "versions"} <= manifest.keys()
        and all({"path", "rows", "bytes", "sha256"} <= part.keys() for part in parts)
        and all({"confidence", "coverage"} <= group.keys() for group in manifest["groups"])
        and set(counts) == {(len(CONFIDENCES), len(COVERAGES))}
        and _PAIRS_NAME.fullmatch(manifest["pairs"]) is not None
    )
