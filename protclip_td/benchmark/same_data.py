"""Runs of one case belong into one mean only if their data were the same."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from protclip_td.benchmark.jobs import Job

# What says where the data are, and not what they are.
_PLACES = {"folder", "path", "split_file", "url", "urls"}


def with_other_data(jobs: Iterable[Job]) -> dict[str, str]:
    """Finished runs whose data are not those of the first run of the same case.

    Parameters:
        jobs (list of Job): all jobs of a results folder

    Returns:
        dict: what differs, by the job's words
    """
    first: dict[str, tuple[Job, dict[str, Any]]] = {}
    found = {}
    for job in jobs:
        if job.result is None:
            continue
        about = _read(job)
        reference, data = first.setdefault(job.case.name, (job, about))
        differing = [key for key in data if key in about and data[key] != about[key]]
        if differing:
            found[str(job)] = _reason(job, reference, {k: (about[k], data[k]) for k in differing})
    return found


def _reason(job: Job, reference: Job, differing: dict[str, tuple[Any, Any]]) -> str:
    details = "; ".join(f"{key}: {mine}, and {other}" for key, (mine, other) in differing.items())
    return (
        f"its data are not those of {reference}: {details}. It is left out of the table; remove "
        f"the folder of the wrong one, {job.folder} or {reference.folder}, and it is run again"
    )


def _read(job: Job) -> dict[str, Any]:
    """What a run's folder says about its data, but not where they were."""
    assert job.result is not None
    path = Path(job.result["run"], "data_manifest.json")
    manifest = json.loads(path.read_text()) if path.is_file() else {}
    return {key: value for key, value in manifest.items() if key not in _PLACES}
