"""`results.md`: the table for people."""

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = ("benchmark", "metric", "this encoder", "control", "published", "epoch chosen by")


def write_table(results: Mapping[str, Any]) -> str:
    """Markdown of all results.

    Parameters:
        results (dict): as `gather` gives them
    """
    sources: list[str] = []
    lines = ["# Benchmarks", "", *_about(results["encoders"]), ""]
    lines += [_line(_HEAD), _line(["---"] * len(_HEAD))]
    lines += [_line(_cells(row, sources)) for row in results["rows"]]
    lines += ["", "Mean ± standard deviation over seeds, on the test set; shares of one."]
    lines += ["Published numbers are from:", ""]
    lines += [f"{number}. {source}" for number, source in enumerate(sources, 1)]
    if results["failed"]:
        lines += ["", "## Failed", ""]
        lines += [f"- {failure['run']}: {_first_line(failure)}" for failure in results["failed"]]
    return "\n".join([*lines, ""])


def _about(encoders: Mapping[str, str]) -> list[str]:
    names = {"model": "This encoder", "control": "Control"}
    return [f"- {names[role]}: `{words}`" for role, words in encoders.items()]


def _cells(row: Mapping[str, Any], sources: list[str]) -> list[str]:
    published = ", ".join(_published(number, sources) for number in row["published"])
    return [
        row["case"],
        row["metric"],
        show(row["model"]),
        show(row["control"]),
        published,
        row["selected by"] or "",
    ]


def _published(number: Mapping[str, Any], sources: list[str]) -> str:
    """A number, whose it is, and the number of its source in the list below the table."""
    remark = f"; {number['remark']}" if number["remark"] else ""
    source = f"{number['source']}{remark}"
    if source not in sources:
        sources.append(source)
    return f"{number['value']:.3f} {number['model']} [{sources.index(source) + 1}]"


def show(summary: Mapping[str, Any] | None) -> str:
    """Mean and deviation.

    Example::

        >>> show({"mean": 0.61234, "sd": 0.01, "runs": [{}, {}]})
        '0.612 ± 0.010 (2)'
    """
    if summary is None:
        return ""
    if summary["sd"] is None:
        return f"{summary['mean']:.3f}"
    return f"{summary['mean']:.3f} ± {summary['sd']:.3f} ({len(summary['runs'])})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _first_line(failure: Mapping[str, Any]) -> str:
    return " ".join(failure["reason"].split())[:300]
