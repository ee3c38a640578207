"""From the finished runs to one structure: values, mean and deviation, published numbers."""

import math
import statistics
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from protclip_td.benchmark.catalogue import BENCHMARKS
from protclip_td.benchmark.jobs import ROLES, Job
from protclip_td.benchmark.protocol import data_manifest, protocols_of
from protclip_td.benchmark.published import PUBLISHED
from protclip_td.config import load_config
from protclip_td.training.best import pick_metric
from protclip_td.version import __version__


def gather(
    jobs: Iterable[Job], failures: Mapping[str, str], about: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that `results.json` says.

    Parameters:
        jobs (list of Job): all jobs of the folder, finished or not
        failures (dict): why jobs failed, by their words
        about (dict): encoder and flags by role

    Returns:
        dict with ``encoders``, ``version``, ``rows`` (one for each case and metric) and ``failed``
    """
    jobs = list(jobs)
    rows = [
        _row(benchmark.name, case.name, benchmark.title, benchmark.group, metric, jobs)
        for benchmark in BENCHMARKS
        for case in benchmark.cases
        for metric in benchmark.metrics
    ]
    failed = [{"run": job, "reason": reason} for job, reason in failures.items()]
    return {
        "encoders": dict(about),
        "version": __version__,
        "rows": [row for row in rows if row["model"] or row["control"] or row["published"]],
        "failed": failed,
    }


def _row(
    name: str, case: str, title: str, group: str, metric: str, jobs: list[Job]
) -> dict[str, Any]:
    done = [job for job in jobs if job.case.name == case and job.result]
    values = {role: _values(metric, [j for j in done if j.role == role]) for role in ROLES}
    published = PUBLISHED.get(case, {}).get(metric, ())
    return {
        "benchmark": name,
        "case": case,
        "title": title,
        "group": group,
        "metric": metric,
        "selected by": _selected_by(done),
        "protocols": protocols_of(job.result for job in done if job.result),
        **{role: summary(found) for role, found in values.items()},
        "published": [number._asdict() for number in published],
    }


def _values(metric: str, jobs: list[Job]) -> list[dict[str, Any]]:
    """The metric in each run that has it."""
    found = []
    for job in jobs:
        result = dict(job.result or {})
        place = {"seed": job.seed, "epoch": result.pop("epoch"), "run": result.pop("run")}
        scores = {key: value for key, value in result.items() if isinstance(value, float)}
        if any(key == metric or key.startswith(f"{metric} ") for key in scores):
            picked = pick_metric(scores, metric)
            assert picked is not None
            found.append({**place, "value": picked[1]})
    return found


def summary(values: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Mean and standard deviation over seeds; None without any value.

    A metric may be undefined for a run, such as a correlation with constant predictions. Such runs
    stay out of both, are counted, and have None as their value: JSON knows no NaN.

    Example::

        >>> found = summary([{"value": 0.5}, {"value": 0.7}, {"value": math.nan}])
        >>> round(found["mean"], 3), round(found["sd"], 3), found["undefined"]
        (0.6, 0.141, 1)
    """
    if not values:
        return None
    numbers = [run["value"] for run in values if math.isfinite(run["value"])]
    return {
        "mean": statistics.fmean(numbers) if numbers else None,
        "sd": statistics.stdev(numbers) if len(numbers) > 1 else None,
        "undefined": len(values) - len(numbers),
        "runs": [
            {**run, "value": run["value"] if math.isfinite(run["value"]) else None}
            for run in values
        ],
    }


def _selected_by(done: list[Job]) -> str | None:
    """What chose the epoch that was tested."""
    return next((_selection(job.result["run"]) for job in done if job.result), None)


@cache
def _selection(run: str) -> str | None:
    """What chose a run's epoch, in words: a metric of the validation set as a rule."""
    config = load_config(f"{run}/config.yaml")
    if config.train.num_epoch == 0:
        return "no training"
    splits = data_manifest(Path(run)).get("splits")
    if splits is None:
        return None
    if not splits["valid"]:
        return "last epoch"
    # The published protocol of interactions validates on the test edges.
    split = "test" if config.dataset.get("protocol") == "published" else "valid"
    return f"{split} {config.get('eval_metric') or 'loss'}"
