"""Whether a finished store is still what its manifest says."""

from pathlib import Path
from typing import Any

from protclip_td.data.digests import sha256_of
from protclip_td.data.store.manifest import read_manifest


def find_damage(folder: str | Path) -> list[str]:
    """Check every part of a store against its checksum.

    Parameters:
        folder (str): the store

    Returns:
        list of str: what is wrong, a line for each fault; empty if all is well

    Raises:
        InputError: there is no store, its manifest is damaged, or another version made it
    """
    folder = Path(folder).expanduser()
    manifest = read_manifest(folder)
    pairs = manifest["pairs"]
    faults = [(name, "missing") for name in manifest["files"] if not (folder / name).is_file()]
    for part in (part for group in manifest["groups"] for part in group["parts"]):
        what = _damage(folder / pairs / part["path"], part)
        if what:
            faults.append((f"{pairs}/{part['path']}", what))
    return [f"{name}: {what}" for name, what in faults]


def _damage(path: Path, part: dict[str, Any]) -> str | None:
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != part["bytes"]:
        return f"{size:,} bytes instead of {part['bytes']:,}"
    try:
        return None if sha256_of(path) == part["sha256"] else "its content has changed"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
