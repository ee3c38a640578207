"""One picture of the headline of each benchmark: this encoder, the control, the paper."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from protclip_td.benchmark.catalogue import BENCHMARKS
from protclip_td.benchmark.jobs import ROLE_TITLES
from protclip_td.benchmark.protocol import is_comparable, protocols_in_words
from protclip_td.benchmark.published import PAPER
from protclip_td.training.pictures import BLUE, GREEN, ORANGE, save_png


class _Mark(NamedTuple):
    """How one kind of number is drawn, and how far above the middle of its line."""

    shape: str
    colour: str
    offset: float


_MARKS = {
    ROLE_TITLES["model"]: _Mark("o", BLUE, 0.22),
    ROLE_TITLES["control"]: _Mark("s", ORANGE, -0.22),
    "ProtCLIP, paper": _Mark("D", GREEN, 0.0),
    "others, published": _Mark("^", "0.4", 0.0),
}
_HOLLOW = "hollow: published, from another protocol"
# Characters of a line of the title.
_TITLE_WIDTH = 120
# Between marks of one kind on one line.
_SPREAD = 0.3


class Point(NamedTuple):
    """One number of the picture.

    Parameters:
        value (float): the number, or the mean over seeds
        sd (float): standard deviation over seeds; 0 without several
        is_comparable (bool): whether it is from the protocol that was run here
    """

    value: float
    sd: float = 0.0
    is_comparable: bool = True


def draw_results(results: Mapping[str, Any], path: Path) -> None:
    """Draw the headlines of the 22, a line each; where nothing is known the line is empty.

    Parameters:
        results (dict): as `gather` gives them
        path (Path): PNG file to write
    """
    lines = headlines(results)
    figure = Figure(figsize=(9, 0.3 * len(lines) + 2), layout="constrained")
    figure.suptitle(title(results["setups"]), fontsize=8, x=0.01, ha="left")
    axis = figure.subplots()
    for label in _MARKS:
        _draw(axis, label, [points[label] for points in lines.values()])
    axis.set_yticks([-i for i in range(len(lines))], list(lines), fontsize=8)
    axis.set_ylim(0.5 - len(lines), 0.5)
    axis.set_xlabel("headline metric on the test set; bars: ± standard deviation over seeds")
    axis.grid(alpha=0.25)
    _explain(axis, {label: _all(lines, label) for label in _MARKS})
    save_png(figure, path)


def _draw(axis: Axes, label: str, lines: Sequence[Sequence[Point]]) -> None:
    """All numbers of one kind, line by line."""
    shape, colour, offset = _MARKS[label]
    for i, points in enumerate(lines):
        for j, point in enumerate(points):
            axis.errorbar(
                point.value,
                offset - i + _SPREAD * (j - (len(points) - 1) / 2),
                xerr=point.sd or None,
                fmt=shape,
                color=colour,
                markerfacecolor=colour if point.is_comparable else "none",
                markersize=5.5,
                capsize=2.5,
                linewidth=1,
            )


def _all(lines: Mapping[str, Mapping[str, Sequence[Point]]], label: str) -> list[Point]:
    """The numbers of one kind on all lines."""
    return [point for points in lines.values() for point in points[label]]


def _explain(axis: Axes, drawn: Mapping[str, Sequence[Point]]) -> None:
    """The legend: the kinds that are drawn and, if there are any, what hollow marks are."""
    shown = [
        Line2D([], [], label=label, linestyle="none", marker=mark.shape, color=mark.colour)
        for label, mark in _MARKS.items()
        if drawn[label]
    ]
    if not all(point.is_comparable for points in drawn.values() for point in points):
        hollow = Line2D([], [], marker="D", color="0.2", linestyle="none", label=_HOLLOW)
        hollow.set_markerfacecolor("none")
        shown.append(hollow)
    axis.legend(handles=shown, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, fontsize=8)


def title(setups: Mapping[str, str]) -> str:
    """What the marks stand for: the encoders with the flags of their runs.

    Example::

        >>> title({"model": "ProtCLIP (1f0a), fix_encoder=true"})
        'this encoder: ProtCLIP (1f0a), fix_encoder=true'
    """
    lines = [f"{ROLE_TITLES[role]}: {setup}" for role, setup in setups.items()]
    return "\n".join(textwrap.fill(line, _TITLE_WIDTH) for line in lines)


def headlines(results: Mapping[str, Any]) -> dict[str, dict[str, list[Point]]]:
    """For each line of the picture its points by what they are."""
    rows = {(row["case"], row["metric"]): row for row in results["rows"]}
    lines = {}
    for benchmark in BENCHMARKS:
        for case in [] if benchmark.is_extra else benchmark.cases:
            row = rows.get((case.name, benchmark.metrics[0]), {})
            lines[_line_name(case.name, benchmark.metrics[0], row)] = _points(row)
    return lines


def _line_name(case: str, metric: str, row: Mapping[str, Any]) -> str:
    """The case, its metric and, where there are several, the protocol that was run."""
    named = [
        {key: protocol[key] for key in ("name", "candidates") if key in protocol}
        for protocol in row.get("protocols", ())
        if protocol["name"]
    ]
    return f"{case}  ({metric}, {protocols_in_words(named)})" if named else f"{case}  ({metric})"


def _points(row: Mapping[str, Any]) -> dict[str, list[Point]]:
    published: dict[str, list[Point]] = {"ProtCLIP, paper": [], "others, published": []}
    for number in row.get("published", []):
        label = "ProtCLIP, paper" if number["source"] == PAPER else "others, published"
        point = Point(number["value"], is_comparable=is_comparable(number, row))
        published[label].append(point)
    return {name: _mean(row.get(role)) for role, name in ROLE_TITLES.items()} | published


def _mean(summary: Mapping[str, Any] | None) -> list[Point]:
    if summary is None or summary["mean"] is None:
        return []
    return [Point(summary["mean"], summary["sd"] or 0.0)]
