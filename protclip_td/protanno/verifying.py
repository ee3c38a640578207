"""What a finished store says of itself, and whether its files are still what it says."""

from pathlib import Path
from typing import Any

from protclip_td.data.manifest import groups_of, read_manifest
from protclip_td.data.writing import file_sha256
from protclip_td.properties import COVERAGES, PROTEIN_EXISTENCE


def find_damage(folder: str | Path) -> list[str]:
    """Check every part of a store against its checksum.

    Parameters:
        folder (str): the store

    Returns:
        list of str: what is wrong, a line for each part; empty if all is well

    Raises:
        InputError: there is no store, or it was made by another version
    """
    folder = Path(folder).expanduser()
    manifest = read_manifest(folder)
    pairs = folder / manifest["pairs"]
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    found = (_damage(pairs / part["path"], part) for part in parts)
    return [
        f"{manifest['pairs']}/{part['path']}: {what}" for part, what in zip(parts, found) if what
    ]


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


def describe(folder: str | Path) -> str:
    """The manifest of a store for people.

    Raises:
        InputError: there is no store, or it was made by another version
    """
    folder = Path(folder).expanduser()
    manifest = read_manifest(folder)
    sections = [
        f"ProtAnno store {folder}: {manifest['entries']:,} pairs",
        _size(manifest),
        *_inputs(manifest),
        *_table("read", manifest["counts"]["before"]),
        *_table("kept", manifest["counts"]["after"]),
        *_left_out(manifest),
        *_options(manifest),
    ]
    return "\n".join(sections)


def _size(manifest: dict[str, Any]) -> str:
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    size = sum(part["bytes"] for part in parts)
    return f"  {size:,} bytes in {len(parts)} parts of {len(groups_of(manifest))} groups"


def _inputs(manifest: dict[str, Any]) -> list[str]:
    lines = [
        f"  {record['name']}: {record['size']:,} bytes, SHA-256 {record['sha256']}"
        for record in manifest.get("inputs", [])
    ]
    return ["inputs", *lines] if lines else []


def _table(name: str, counts: list[list[int]]) -> list[str]:
    """Counts by confidence (rows) and coverage (columns)."""
    rows = [
        [f"{level} {words.lower()}", *map(_number, counts[level - 1])]
        for level, words in PROTEIN_EXISTENCE.items()
    ]
    rows.insert(0, [f"{name}, by confidence and coverage", *(f"{r}/4" for r in COVERAGES)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))])
        for row in rows
    ]


def _number(count: int) -> str:
    return f"{count:,}"


def _left_out(manifest: dict[str, Any]) -> list[str]:
    reasons = {**manifest["rejected"], **manifest.get("dropped", {})}
    lines = [f"  {number:,} x {reason}" for reason, number in reasons.items() if number]
    for record in manifest.get("excluded", []):
        lines.append(
            f"  {record['identical']:,} x identical and {record['similar']:,} x similar to one of "
            f"{record['sequences']:,} sequences in {record['name']}"
        )
    return ["left out", *lines] if lines else []


def _options(manifest: dict[str, Any]) -> list[str]:
    options = manifest.get("options", {})
    return ["options", *(f"  {key}: {value}" for key, value in options.items())]
