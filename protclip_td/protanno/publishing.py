"""Last phase of a build: a finished store takes its place, and the one before it goes."""

import shutil
from typing import Any

from protclip_td.data.pairs import MANIFEST
from protclip_td.data.tally import Tally
from protclip_td.data.writing import describe_groups, make_manifest
from protclip_td.errors import InputError
from protclip_td.protanno.frames import write_atomically, write_json
from protclip_td.protanno.report import write_report
from protclip_td.protanno.staging import Staging, load


def finish(
    staging: Staging,
    parts: dict[tuple[int, int], list[dict[str, Any]]],
    excluded: list[dict[str, Any]],
    options: dict[str, Any],
    versions: dict[str, str],
    report: bool,
) -> None:
    """Write the report, if wanted, and then the manifest of a store whose parts are all there.

    Raises:
        InputError: there is not a single pair in it
    """
    sums = load(staging.sorted)
    if not parts:
        raise InputError(_nothing_left(sums))
    description = {
        "inputs": sums["inputs"],
        "options": options,
        "splits": sums["splits"],
        "dropped": sums["dropped"],
        "excluded": _excluded(excluded, sums["leaked"]),
    }
    before, after = Tally(sums["before"]), Tally(sums["after"])
    groups = describe_groups(parts)
    manifest = make_manifest(groups, before, after, sums["rejected"], description)
    manifest["versions"].update(versions)
    if report:
        write_report(manifest, staging.result)
    write_json(staging.manifest, manifest, sync=True)


def _excluded(
    records: list[dict[str, Any]], leaked: list[tuple[int, str, int]]
) -> list[dict[str, Any]]:
    """The excluded files, each with how many pairs it kept out."""
    counts = {(source, kind): number for source, kind, number in leaked}
    return [
        {**record, **{kind: counts.get((source, kind), 0) for kind in ("identical", "similar")}}
        for source, record in enumerate(records)
    ]


def _nothing_left(sums: dict[str, Any]) -> str:
    reasons = {**sums["rejected"], **sums["dropped"]}
    why = ", ".join(f"{number} x {reason}" for reason, number in reasons.items() if number)
    names = ", ".join(record["name"] for record in sums["inputs"])
    return (
        f"no entry of {names} is left for a store ({why or 'there is nothing in it'}); keep other "
        "confidences or coverages, or give other inputs"
    )


def publish(staging: Staging) -> None:
    """Put a finished store in its place; may be broken off and repeated at any moment.

    Readers see the store that was there before until the manifest is replaced, which comes last.
    """
    folder = staging.root.parent
    manifest = load(staging.manifest)
    pairs = folder / manifest["pairs"]
    if staging.parts.exists():
        if pairs.exists():
            pairs.rename(staging.root / "replaced")
        staging.parts.rename(pairs)
    for path in sorted(staging.result.iterdir()):
        if path != staging.manifest:
            path.rename(folder / path.name)
    content = staging.manifest.read_bytes()
    write_atomically(folder / MANIFEST, lambda file: file.write(content), sync=True)
    for other in folder.glob("pairs-*"):
        if other != pairs:
            shutil.rmtree(other)
    shutil.rmtree(staging.root)
