"""Last phase of a build: a finished store takes its place, and the one before it goes."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from protclip_td.data.store.manifest import MANIFEST, read_manifest, seal
from protclip_td.data.store.tally import Tally
from protclip_td.data.store.writing import describe_groups, make_manifest
from protclip_td.errors import InputError
from protclip_td.protanno.describing import left_out
from protclip_td.protanno.exclusion import COVERED
from protclip_td.protanno.report import write_report
from protclip_td.protanno.staging import Staging, read_record, write_record
from protclip_td.whole_files import replace_file, write_json
from protclip_td.wording import counted


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
    sums = read_record(staging.sorted)
    kept_out = _excluded(excluded, sums["leaked"], options["identity"])
    if not parts:
        raise InputError(_nothing_left(sums, kept_out))
    description = {
        "inputs": sums["inputs"],
        "options": options,
        "splits": sums["splits"],
        "dropped": sums["dropped"],
        "excluded": kept_out,
    }
    before, after = Tally(sums["before"]), Tally(sums["after"])
    groups = describe_groups(parts)
    manifest = make_manifest(groups, before, after, sums["rejected"], description)
    manifest["versions"].update(versions)
    if report:
        write_report(manifest, staging.result)
    manifest["files"] = sorted(path.name for path in staging.result.glob("[!.]*"))
    write_json(staging.manifest, seal(manifest), indent=1)


def _excluded(
    records: list[dict[str, Any]], leaked: list[tuple[int, str, int]], identity: float | None
) -> list[dict[str, Any]]:
    """The excluded files, each with how many pairs it kept out, and what counts as similar."""
    counts = {(source, kind): number for source, kind, number in leaked}
    similar = {} if identity is None else {"identity": identity, "covered": COVERED}
    return [
        {
            **record,
            **{kind: counts.get((source, kind), 0) for kind in ("identical", "similar")},
            **similar,
        }
        for source, record in enumerate(records)
    ]


def _nothing_left(sums: dict[str, Any], excluded: list[dict[str, Any]]) -> str:
    why = ", ".join(counted(left_out({**sums["rejected"], **sums["dropped"]}, excluded)))
    names = ", ".join(record["name"] for record in sums["inputs"])
    advice = ["keep other confidences or coverages", "exclude less"][: 1 + bool(sums["leaked"])]
    return (
        f"no entry of {names} is left for a store ({why or 'there is nothing in it'}); "
        f"{', '.join(advice)}, or give other inputs"
    )


def publish(staging: Staging) -> None:
    """Put a finished store in its place; may be broken off and repeated at any moment.

    The parts come first, in a folder of another name than the old ones, which nobody looks at yet.
    Then the manifest: in this one step readers pass from the old store to the new one. The report
    and the table of what was rejected follow at once, since before it they would tell of a store
    that is not there. What only the old store had goes last, as it may be read until then; nothing
    goes but what its own manifest named.
    """
    manifest = read_record(staging.manifest)
    if not staging.replaced.exists():
        write_record(staging.replaced, _names_of_old(staging.folder))
    _place_parts(staging, staging.folder / manifest["pairs"])
    for name in (MANIFEST, *manifest["files"]):
        _place(staging, name)
    _remove_old(staging.folder, read_record(staging.replaced), manifest)
    staging.discard()


def _names_of_old(folder: Path) -> dict[str, Any]:
    """What belongs to the store that is there, if one is."""
    if not (folder / MANIFEST).exists():
        return {"pairs": None, "files": []}
    manifest = read_manifest(folder)
    return {"pairs": manifest["pairs"], "files": manifest["files"]}


def _place_parts(staging: Staging, pairs: Path) -> None:
    if staging.parts.exists():
        if pairs.exists():  # the same parts, of which some may be damaged
            pairs.rename(staging.root / "replaced")
        staging.parts.rename(pairs)


def _place(staging: Staging, name: str) -> None:
    """Put a copy of a file in its place, so that the original is there to be copied again."""
    copy = staging.root / "copy"  # beside the store, a half-written one would stay there
    with (staging.result / name).open("rb") as file:
        replace_file(copy, partial(shutil.copyfileobj, file))
    copy.replace(staging.folder / name)


def _remove_old(folder: Path, old: dict[str, Any], manifest: dict[str, Any]) -> None:
    for name in set(old["files"]) - set(manifest["files"]):
        (folder / Path(name).name).unlink(missing_ok=True)
    if old["pairs"] not in (None, manifest["pairs"]):
        shutil.rmtree(folder / old["pairs"], ignore_errors=True)
