"""One picture of the headline of each benchmark: this encoder, the control, the paper."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protclip_td.benchmark.catalogue import BENCHMARKS
from protclip_td.benchmark.published import PAPER
from protclip_td.training.disk import explain_disk_errors, replace_file

# Colours that stay apart for colour-blind readers (Okabe and Ito).
_MARKS = {
    "this encoder": ("o", "#0072B2"),
    "control": ("s", "#E69F00"),
    "ProtCLIP, paper": ("D", "#009E73"),
    "others, published": ("|", "0.4"),
}


def draw_results(results: Mapping[str, Any], path: Path) -> None:
    """Draw the headlines of the 22, a line each; where nothing is known the line is empty.

    Parameters:
        results (dict): as `gather` gives them
        path (Path): PNG file to write
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    points = headlines(results)
    figure = Figure(figsize=(8, 0.27 * len(points) + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for label, (marker, colour) in _MARKS.items():
        found = [(v, -i) for i, by in enumerate(points.values()) for v in by.get(label, ())]
        if found:
            axis.plot(*zip(*found), marker, color=colour, label=label, linestyle="none")
    axis.set_yticks([-i for i in range(len(points))], list(points))
    axis.set_ylim(0.5 - len(points), 0.5)
    axis.set_xlabel("headline metric on the test set")
    axis.grid(alpha=0.25)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.08), ncols=len(_MARKS), fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    with explain_disk_errors(path):
        replace_file(path, lambda file: file.write(picture.getvalue()))


def headlines(results: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """For each line of the picture its values by what they are."""
    rows = {(row["case"], row["metric"]): row for row in results["rows"]}
    points = {}
    for benchmark in BENCHMARKS:
        for case in [] if benchmark.is_extra else benchmark.cases:
            row = rows.get((case.name, benchmark.metrics[0]), {})
            points[f"{case.name}  ({benchmark.metrics[0]})"] = _values(row)
    return points


def _values(row: Mapping[str, Any]) -> dict[str, list[float]]:
    published = row.get("published", [])
    return {
        "this encoder": _mean(row.get("model")),
        "control": _mean(row.get("control")),
        "ProtCLIP, paper": [n["value"] for n in published if n["source"] == PAPER],
        "others, published": [n["value"] for n in published if n["source"] != PAPER],
    }


def _mean(summary: Mapping[str, Any] | None) -> list[float]:
    return [summary["mean"]] if summary and summary["mean"] is not None else []
