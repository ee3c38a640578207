"""From the finished runs to one structure: values, mean and deviation, published numbers."""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark
from protclip_td.benchmark.jobs import ROLE_TITLES, Result
from protclip_td.benchmark.protocol import protocols_of
from protclip_td.benchmark.published import PUBLISHED
from protclip_td.training.best import find_metric
from protclip_td.version import __version__


def gather(
    results: Sequence[Result], failures: Mapping[str, str], setups: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that `results.json` says.

    Parameters:
        results (list of Result): all finished runs of the folder
        failures (dict): why jobs failed, by the job as text
        setups (dict): encoder and flags by role

    Returns:
        dict with ``setups``, ``version``, ``rows`` (one for each case and metric) and ``failed``
    """
    rows = [
        row
        for benchmark in BENCHMARKS
        for case in benchmark.cases
        for row in _rows(benchmark, case.name, [r for r in results if r.job.case.name == case.name])
    ]
    failed = [{"run": job, "reason": reason} for job, reason in failures.items()]
    return {
        "setups": dict(setups),
        "version": __version__,
        "rows": [row for row in rows if row["model"] or row["control"] or row["published"]],
        "failed": failed,
    }


def _rows(benchmark: Benchmark, case: str, results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """The rows of one case, one for each metric."""
    # All runs of a case have one configuration, so that the first says what chose the epoch.
    selected_by = next(map(_selected_by, results), None)
    protocols = protocols_of(results)
    for metric in benchmark.metrics:
        yield {
            "benchmark": benchmark.name,
            "case": case,
            "title": benchmark.title,
            "group": benchmark.group,
            "metric": metric,
            "selected by": selected_by,
            "protocols": protocols,
            **{
                role: summary(_values(metric, [r for r in results if r.job.role == role]))
                for role in ROLE_TITLES
            },
            "published": [n._asdict() for n in PUBLISHED.get(case, {}).get(metric, ())],
        }


def _values(metric: str, results: Iterable[Result]) -> list[dict[str, Any]]:
    """The metric in each run that has it."""
    found = []
    for result in results:
        value = find_metric(result.metrics, metric)
        if value is not None:
            place = {"seed": result.job.seed, "epoch": result.epoch, "run": str(result.run)}
            found.append({**place, "value": value})
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


def _selected_by(result: Result) -> str | None:
    """What chose the epoch that was tested: a metric of the validation set as a rule."""
    if result.config["train"]["num_epoch"] == 0:
        return "no training"
    splits = result.manifest.get("splits")
    if splits is None:
        return None
    if not splits["valid"]:
        return "last epoch"
    split = result.manifest.get("selected_on", "valid")
    return f"{split} {result.config.get('eval_metric') or 'loss'}"
