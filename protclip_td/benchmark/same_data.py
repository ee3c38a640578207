"""Runs of one case belong into one mean only if their data were the same."""

from collections.abc import Iterable
from typing import Any

from protclip_td.benchmark.jobs import Job, Result

# What says where the data are, and not what they are.
_NOT_THE_DATA = {"folder", "path", "split_file", "url", "urls"}


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
        differing = _differing(_data(result), _data(reference))
        if differing:
            found[str(result.job)] = _reason(result.job, reference.job, differing)
    return found


def _differing(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two manifests have both, but not alike; of dicts only the entries that differ.

    Example::

        >>> _differing({"files": {"a": "1f", "b": "2e"}}, {"files": {"a": "1f", "b": "3d"}})
        {'files': ({'b': '2e'}, {'b': '3d'})}
    """
    found = {}
    for key in mine.keys() & other.keys():
        here, there = mine[key], other[key]
        if isinstance(here, dict) and isinstance(there, dict):
            here, there = _without(there, here, key), _without(here, there, key)
        if here != there:
            found[key] = here, there
    return dict(sorted(found.items()))


def _without(other: dict[str, Any], values: dict[str, Any], key: str) -> dict[str, Any]:
    """Entries that the other has not; a file is known by its checksum, whatever its name."""
    if key == "files":
        return {name: value for name, value in values.items() if value not in other.values()}
    return {name: value for name, value in values.items() if other.get(name) != value}


def _reason(job: Job, reference: Job, differing: dict[str, tuple[Any, Any]]) -> str:
    details = "; ".join(f"{key}: {mine}, and {other}" for key, (mine, other) in differing.items())
    return (
        f"its data are not those of {reference}: {details}. It is left out of the table; remove "
        f"the folder of the wrong one, {job.folder} or {reference.folder}, and it is run again"
    )


def _data(result: Result) -> dict[str, Any]:
    """What a run's data were, but not where they were."""
    return {key: value for key, value in result.manifest.items() if key not in _NOT_THE_DATA}
