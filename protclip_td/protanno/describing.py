"""What a finished store says of itself, for people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.store.composition import CONFIDENCE_NAMES, COVERAGE_NAMES
from protclip_td.data.store.manifest import groups_of, read_manifest
from protclip_td.data.store.writing import REJECTED
from protclip_td.protanno.report import REPORT
from protclip_td.wording import aligned, counted, fold


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
        *_excluded(manifest),
        *_table("read", manifest["counts"]["before"]),
        *_table("kept", manifest["counts"]["after"]),
        *_splits(manifest),
        *_assumed(manifest),
        *_left_out(manifest),
        *_facts("options", manifest["options"]),
        *_facts("versions", manifest["versions"]),
    ]
    return "\n".join(sections)


def _size(manifest: dict[str, Any]) -> str:
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    size = sum(part["bytes"] for part in parts)
    return f"  {size:,} bytes in {len(parts)} parts of {len(groups_of(manifest))} groups"


def _inputs(manifest: dict[str, Any]) -> list[str]:
    lines = [
        f"  {record['name']}: {record['size']:,} bytes, SHA-256 {record['sha256']}"
        for record in manifest["inputs"]
    ]
    return ["inputs", *lines]


def _excluded(manifest: dict[str, Any]) -> list[str]:
    """The excluded files, also those that kept no pair out."""
    records = manifest["excluded"]
    lines = [f"  {record['name']}: {record['sequences']:,} sequences" for record in records]
    return ["excluded", *lines] if lines else []


def _table(name: str, counts: list[list[int]]) -> list[str]:
    """Counts by confidence (rows) and coverage (columns)."""
    rows = [[f"{name}, by confidence and coverage", *COVERAGE_NAMES]]
    for level, row in zip(CONFIDENCE_NAMES, counts):
        rows.append([level, *(f"{count:,}" for count in row)])
    return aligned(rows)


def _left_out(manifest: dict[str, Any]) -> list[str]:
    reasons = left_out({**manifest["rejected"], **manifest["dropped"]}, manifest["excluded"])
    lines = [f"  {line}" for line in counted(reasons)]
    return ["left out", *lines] if lines else []


def _splits(manifest: dict[str, Any]) -> list[str]:
    lines = [f"  {name}: {np.sum(table):,}" for name, table in manifest["splits"].items()]
    return ["pairs of each split", *lines]


def _assumed(manifest: dict[str, Any]) -> list[str]:
    number = manifest["confidence_assumed"]["after"]
    return [f"{number:,} of the kept do not state their confidence"] if number else []


def _facts(name: str, facts: dict[str, Any]) -> list[str]:
    return [name, *(f"  {key}: {value}" for key, value in facts.items())]


def summarise(folder: Path, manifest: dict[str, Any], was_there: bool = False) -> str:
    """What a build has come to, in a few lines: pairs, what is none and why, where to look.

    Parameters:
        folder (Path): the store
        manifest (dict): of it
        was_there (bool, optional): nothing had to be done
    """
    done = f"{manifest['entries']:,} pairs in {folder}"
    lines = [f"{done}, which was there already" if was_there else done]
    if manifest["rejected"]:
        where = f"each is in {folder / REJECTED}"
        lines.append(fold(f"{_sum_up('no pair', manifest['rejected'])}; {where}"))
    dropped = left_out(manifest["dropped"], manifest["excluded"])
    if dropped.total():
        lines.append(fold(_sum_up("left out", dropped)))
    if REPORT in manifest["files"]:
        lines.append(f"{folder / REPORT} compares it with the paper")
    return "\n".join(lines)


def left_out(dropped: Mapping[str, int], excluded: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many pairs are not in a store, by reason.

    Parameters:
        dropped (dict): how many the options left out, by reason
        excluded (list of dict): excluded files: name, and how many pairs each kept out

    Example::

        >>> left_out({"thinned": 3}, [{"name": "test.fasta", "identical": 2, "similar": 0}])
        Counter({'thinned': 3, 'identical to a sequence in test.fasta': 2, ...})
    """
    reasons = Counter(dropped)
    for record in excluded:
        for kind in ("identical", "similar"):
            reasons[f"{kind} to a sequence in {record['name']}"] += record[kind]
    return reasons


def _sum_up(name: str, reasons: dict[str, int]) -> str:
    """How many entries, by reason.

    Example::

        >>> _sum_up("no pair", {"no sequence": 2, "no property": 0, "not JSON": 1})
        'no pair: 3 (2 x no sequence, 1 x not JSON)'
    """
    return f"{name}: {sum(reasons.values()):,} ({', '.join(counted(reasons))})"
