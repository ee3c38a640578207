"""`results.md`: the table for people."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from protclip_td.benchmark.jobs import ROLE_TITLES
from protclip_td.benchmark.protocol import is_comparable, protocols_in_words
from protclip_td.wording import by_reason

_HEAD = (
    "benchmark",
    "metric",
    *ROLE_TITLES.values(),
    "protocol here",
    "published",
    "epoch chosen by",
)
_REMARKS = (
    "Mean ± standard deviation over seeds (of the sample: divided by n - 1) and, in brackets, the",
    "number of runs, on the test set.",
    "All seeds share one split, that of shs27k, shs148k and string too, which is drawn by",
    "--split_seed; how much another draw would change, ± does not say.",
    "Accuracy, F1, areas and recall are shares of one; an error is in the unit of its target.",
    "A published number with * is from another protocol than the one that is run here.",
)


def write_table(results: Mapping[str, Any]) -> str:
    """Markdown of all results.

    Parameters:
        results (dict): as `gather` gives them
    """
    sources: list[str] = []
    lines = ["# Benchmarks", "", *_setups(results["setups"]), ""]
    for group, rows in groupby(results["rows"], key=lambda row: row["group"]):
        lines += [f"## {group.capitalize()}", "", _line(_HEAD), _line(["---"] * len(_HEAD))]
        lines += [*(_line(_cells(row, sources)) for row in rows), ""]
    lines += ["## Remarks", "", *_REMARKS, "Published numbers are from:", ""]
    lines += [f"{number}. {source}" for number, source in enumerate(sources, 1)]
    if results["failed"]:
        lines += ["", "## Failed", ""]
        reasons = {each["run"]: " ".join(each["reason"].split()) for each in results["failed"]}
        lines += [f"- {line}" for line in by_reason(reasons)]
    return "\n".join([*lines, ""])


def _setups(setups: Mapping[str, str]) -> list[str]:
    return [f"- {ROLE_TITLES[role].capitalize()}: `{setup}`" for role, setup in setups.items()]


def _cells(row: Mapping[str, Any], sources: list[str]) -> list[str]:
    published = ", ".join(_published(number, row, sources) for number in row["published"])
    return [
        row["case"],
        row["metric"],
        *(show(row[role]) for role in ROLE_TITLES),
        protocols_in_words(row["protocols"]),
        published,
        row["selected by"] or "",
    ]


def _published(number: Mapping[str, Any], row: Mapping[str, Any], sources: list[str]) -> str:
    """A number, whose it is, and the number of its source in the list below the table."""
    remark = f"; {number['remark']}" if number["remark"] else ""
    source = f"{number['source']}{remark}"
    if source not in sources:
        sources.append(source)
    mark = "" if is_comparable(number, row) else "*"
    return f"{number['value']:.3f}{mark} {number['model']} [{sources.index(source) + 1}]"


def show(summary: Mapping[str, Any] | None) -> str:
    """Mean and deviation, and how many runs they are of.

    Example::

        >>> show({"mean": 0.61234, "sd": 0.01, "undefined": 1, "runs": [{}, {}, {}]})
        '0.612 ± 0.010 (2; 1 undefined)'
    """
    if summary is None:
        return ""
    if summary["mean"] is None:
        return f"undefined ({summary['undefined']})"
    undefined = summary["undefined"]
    defined = len(summary["runs"]) - undefined
    deviation = "" if summary["sd"] is None else f" ± {summary['sd']:.3f}"
    counted = f"{defined}; {undefined} undefined" if undefined else str(defined)
    return f"{summary['mean']:.3f}{deviation}" + (f" ({counted})" if counted != "1" else "")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
