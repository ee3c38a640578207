"""What a build is to make, written down; and what of an unfinished one is kept if that changes."""

import json
import shutil
from typing import Any

from protclip_td.errors import InputError
from protclip_td.protanno.staging import Staging, read_record, write_record
from protclip_td.version import __version__

# Options that apply once everything is read, so that another choice costs no reading again.
_LATER = {
    *("sampling", "confidence_exponent", "coverage_exponent", "seed"),
    *("valid_fraction", "test_fraction", "exclude", "identity", "release"),
}


def begin(
    staging: Staging,
    inputs: list[dict[str, Any]],
    options: dict[str, Any],
    bits: int,
    resume: bool,
) -> dict[str, Any]:
    """Write down what is asked for, and keep of an unfinished build what still is good for it.

    =========================================  =================================================
    what changed since it was begun            what is kept
    =========================================  =================================================
    nothing                                    everything
    anything, but nothing is worth keeping     nothing
    options that apply after reading           what was read
    contents of inputs, with `resume`          what was read of the parts of them that are the same
    anything else                              everything: it raises
    =========================================  =================================================

    What was read is there only until it is sorted. From then on all of it is read again.

    Parameters:
        staging (Staging): where the build is
        inputs (list of dict): see `describe_inputs`
        options (dict): everything else that decides what comes out
        bits (int): logarithm of the number of coarse buckets, if nothing is staged yet
        resume (bool): inputs may have been replaced

    Returns:
        dict: the plan

    Raises:
        InputError: what is staged belongs to other inputs or options
    """
    options = json.loads(json.dumps({**options, "version": __version__}))
    plan: dict[str, Any] = {"inputs": inputs, "options": options, "bits": bits}
    if staging.plan.exists():
        before = read_record(staging.plan)
        if (before["inputs"], before["options"]) == (inputs, options):
            return before
        if _is_worth_keeping(staging):
            _check_options(staging, before["options"], options)
            _check_inputs(staging, before["inputs"], inputs, resume)
            plan["bits"] = before["bits"]
            if before["inputs"] != inputs or staging.sorted.exists():
                staging.read.unlink(missing_ok=True)  # so that the inputs are gone through again
        else:
            staging.read.unlink(missing_ok=True)
            shutil.rmtree(staging.chunks)
        _forget_results(staging)
    write_record(staging.plan, plan)
    return plan


def _is_worth_keeping(staging: Staging) -> bool:
    """Whether anything was read, and whatever became of it is not that nothing is left."""
    if staging.sorted.exists():
        return any(map(any, read_record(staging.sorted)["after"]["counts"]))
    return any(staging.chunks.glob("*.frames"))


def _forget_results(staging: Staging) -> None:
    """Remove what was made of what was read."""
    for path in (staging.sorted, staging.manifest, staging.excluded):
        path.unlink(missing_ok=True)
    results = (staging.coarse, staging.accessions, staging.buckets, staging.written)
    for folder in (*results, staging.parts, staging.result):
        shutil.rmtree(folder, ignore_errors=True)
    staging.make()


def _check_options(staging: Staging, before: dict[str, Any], now: dict[str, Any]) -> None:
    other = [
        f"{key} was {before.get(key)!r} and is {now[key]!r}"
        for key in now
        if before.get(key) != now[key] and not _is_later(key, before.get(key), now[key])
    ]
    if other:
        raise InputError(
            f"{staging.root} holds an unfinished build with other options: {'; '.join(other)}. "
            f"Give the same options to go on, or remove {staging.root} to begin anew"
        )


def _is_later(key: str, before: object, now: object) -> bool:
    """Whether it makes no difference to what is staged that an option is another one."""
    # Merging needs also the entries that are not eligible by themselves.
    return key in _LATER or (key == "identical" and "merge" not in (before, now))


def _check_inputs(
    staging: Staging, before: list[dict[str, Any]], now: list[dict[str, Any]], resume: bool
) -> None:
    if [i["path"] for i in before] != [i["path"] for i in now]:
        raise InputError(
            f"{staging.root} holds an unfinished build of other inputs: "
            f"{', '.join(i['path'] for i in before)}. Give the same to go on, or remove "
            f"{staging.root} to begin anew"
        )
    changed = [new["path"] for old, new in zip(before, now) if old != new]
    if changed and not resume:
        raise InputError(
            f"{', '.join(changed)} changed since the unfinished build in {staging.root} was begun; "
            "with --resume it goes on, and what is the same in the file is not read again"
        )
