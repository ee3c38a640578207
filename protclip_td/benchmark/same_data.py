"""Runs of one case belong into one mean only if their data were the same."""

from collections.abc import Iterable
from typing import Any

from protclip_td.benchmark.jobs import Job, Result
from protclip_td.training.data_manifest import differing_data, in_words


def with_other_data(results: Iterable[Result]) -> dict[str, str]:
    """Runs whose data are not those of the first run of the same case.

    Parameters:
        results (list of Result): all finished runs of a results folder

    Returns:
        dict: what differs, by the job as text
    """
    first: dict[str, Result] = {}
    found = {}
    for result in results:
        reference = first.setdefault(result.job.case.name, result)
        differing = differing_data(result.manifest, reference.manifest)
        if differing:
            found[str(result.job)] = _reason(result.job, reference.job, differing)
    return found


def _reason(job: Job, reference: Job, differing: dict[str, tuple[Any, Any]]) -> str:
    return (
        f"its data are not those of {reference}: {in_words(differing)}. It is left out of the "
        f"table; remove the folder of the wrong one, {job.folder} or {reference.folder}, and it "
        "is run again"
    )
