"""The picture of the scale benchmark: what an entry costs, and memory, by number of entries."""

from pathlib import Path
from typing import Any

_COLOURS = {1: "#0072B2", 2: "#D55E00"}


def draw_scale(results: list[dict[str, Any]], path: Path) -> None:
    """Draw microseconds per entry, and the memory of a build, against the number of entries."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for jobs in sorted({build["jobs"] for result in results for build in result["builds"]}):
        builds = [(result["entries"], build) for result in results for build in result["builds"]
                  if build["jobs"] == jobs]  # fmt: skip
        style = {"color": _COLOURS.get(jobs, "0.3"), "marker": "o",
                 "label": f"{jobs} process{'es' * (jobs > 1)}"}  # fmt: skip
        entries = [number for number, _ in builds]
        left.plot(entries, [1e6 * b["seconds"] / n for n, b in builds], **style)
        right.plot(entries, [b["peak_mb"] for _, b in builds], **style)
    for axis, label in ((left, "µs per entry"), (right, "peak memory, MB")):
        axis.set_xscale("log")
        axis.set_ylim(0, 1.15 * max(max(line.get_ydata()) for line in axis.lines))
        axis.set_xlabel("synthetic entries")
        axis.set_ylabel(label)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    right.legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
