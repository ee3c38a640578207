"""What a run's data were, by its `data_manifest.json`; a run goes on with the same data only."""

import json
import re
from pathlib import Path
from typing import Any

from protclip_td.errors import InputError

DATA_MANIFEST = "data_manifest.json"
# What says where the data are from, or who wrote them down, and not what they are.
_NOT_THE_DATA = {
    "folder",
    "path",
    "release",
    "selected_on",
    "split_file",
    "store",
    "url",
    "urls",
    "versions",
}


def refuse_other_data(folder: Path, manifest: dict[str, Any]) -> None:
    """Make sure that a run that is resumed has the data it was begun with.

    Parameters:
        folder (Path): folder of the run
        manifest (dict): what its data are now

    Raises:
        InputError: they are others; names what differs
    """
    path = folder / DATA_MANIFEST
    if not path.is_file():
        return
    differing = differing_data(json.loads(as_json(manifest)), read_data_manifest(path))
    if differing:
        raise InputError(
            f"{folder} was begun with other data than there are now: {in_words(differing)}. What "
            "was trained on the one must not be tested on the other: put the data back as they "
            "were, or start a new run."
        )


def as_json(manifest: dict[str, Any]) -> str:
    """What is written of a manifest, with words for what JSON does not know."""
    return json.dumps(manifest, indent=2, default=_as_text) + "\n"


def _as_text(value: Any) -> str:
    # Without its place in memory, which is another in each process.
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def read_data_manifest(path: Path) -> dict[str, Any]:
    """The content of a run's manifest.

    Raises:
        InputError: the file is damaged
    """
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); remove it, or start a new run") from error


def differing_data(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two manifests both say of their data, but not alike; of dicts the entries that differ.

    Example::

        >>> differing_data({"files": {"a": "1f", "b": "2e"}}, {"files": {"a": "1f", "b": "3d"}})
        {'files': ({'b': '2e'}, {'b': '3d'})}
    """
    found = {}
    for key in (mine.keys() & other.keys()) - _NOT_THE_DATA:
        here, there = mine[key], other[key]
        if isinstance(here, dict) and isinstance(there, dict):
            here, there = _without(there, here, key), _without(here, there, key)
        if not _is_same(here, there):
            found[key] = here, there
    return dict(sorted(found.items()))


def in_words(differing: dict[str, tuple[Any, Any]]) -> str:
    """What `differing_data` found, as text."""
    return "; ".join(f"{key}: {mine}, and {other}" for key, (mine, other) in differing.items())


def _without(other: dict[str, Any], values: dict[str, Any], key: str) -> dict[str, Any]:
    """Entries that the other has not; a file may have another name there."""
    renamed = other.values() if key == "files" else ()
    return {
        name: value
        for name, value in values.items()
        if not (_is_same(other[name], value) if name in other else value in renamed)
    }


def _is_same(here: Any, there: Any) -> bool:
    """As JSON, in which a NaN is the same as another."""
    return json.dumps(here, sort_keys=True) == json.dumps(there, sort_keys=True)
