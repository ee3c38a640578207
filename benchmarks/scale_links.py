"""Stores of any size without their bytes: links to the parts of a smaller one.

Opening such a store and drawing from it costs what it would cost with parts of its own, but for
the page cache, which must hold the smaller store alone.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.store.layout import PART_ROWS, part_name
from protclip_td.data.store.manifest import MANIFEST, read_manifest, seal


def can_grow(store: Path) -> bool:
    """Whether a store has a full part."""
    groups = read_manifest(store)["groups"]
    return any(part["rows"] == PART_ROWS for group in groups for part in group["parts"])


def grow(store: Path, folder: Path, shares: np.ndarray, entries: int) -> int:
    """Make a store of about so many entries out of one that has at least one full part.

    Parameters:
        store (Path): the smaller store
        folder (Path): the larger one, not there yet
        shares (array): of each confidence and coverage, shape :math:`(5, 4)`
        entries (int): wanted

    Returns:
        how many it has: a group has full parts only, or one that is not
    """
    manifest = read_manifest(store)
    pairs = store.resolve() / manifest["pairs"]
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    full = [part for part in parts if part["rows"] == PART_ROWS]
    small = min(parts, key=lambda part: part["rows"])
    groups: list[dict[str, Any]] = []
    for (row, column), share in np.ndenumerate(shares * entries):
        chosen = [full[i % len(full)] for i in range(int(share // PART_ROWS))]
        if not chosen and share >= 1:
            chosen = [small]
        if chosen:
            groups.append({"confidence": row + 1, "coverage": column + 1, "parts": chosen})
    for group in groups:
        group["parts"] = [
            _link(folder / manifest["pairs"], pairs, part, group, number)
            for number, part in enumerate(group["parts"])
        ]
    rows = sum(part["rows"] for group in groups for part in group["parts"])
    (folder / MANIFEST).write_text(
        json.dumps(seal({**manifest, "entries": rows, "groups": groups}))
    )
    return rows


def _link(
    new: Path, old: Path, part: dict[str, Any], group: dict[str, Any], number: int
) -> dict[str, Any]:
    path = part_name(group["confidence"], group["coverage"], number)
    (new / path).parent.mkdir(parents=True, exist_ok=True)
    (new / path).symlink_to(old / part["path"])
    return {**part, "path": path}
