"""The curves of a run as one picture."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from protclip_td.training.listener import Row, losses_of
from protclip_td.training.pictures import COLOURS, save_png


def draw_curves(rows: list[Row], path: Path) -> None:
    """Draw losses, validation metrics and learning rate against the optimizer step.

    Training losses are thin lines per step; validation losses are dots per epoch in the same
    colour. Metrics that are no losses have a panel of their own.

    Parameters:
        rows (list of dict): rows of ``metrics.jsonl``
        path (Path): PNG file to write
    """
    steps = [row for row in rows if row["kind"] == "step"]
    epochs = [row for row in rows if row["kind"] == "epoch"]
    others = _other_metrics(epochs)
    panels = 2 + bool(others)
    figure = Figure(figsize=(8, 2.6 * panels), layout="constrained")
    axes = list(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])
    _draw_losses(axes[0], steps, epochs)
    if others:
        _draw_metrics(axes[1], epochs, others)
    axes[-1].plot(*_curve(steps, "lr"), color="0.3")
    axes[-1].set_ylabel("learning rate")
    axes[-1].set_xlabel("optimizer step")
    for axis in axes:
        axis.grid(alpha=0.25)
    save_png(figure, path)


def _curve(rows: list[Row], name: str) -> tuple[list[int], list[float]]:
    """Take the steps and values of one metric; one point is drawn where it is missing."""
    points = [(row["step"], row[name]) for row in rows if name in row]
    return [step for step, _ in points], [value for _, value in points]


def _draw_losses(axis: Axes, steps: list[Row], epochs: list[Row]) -> None:
    for name, colour in zip(losses_of(steps[-1]) if steps else (), COLOURS):
        axis.plot(*_curve(steps, name), color=colour, linewidth=1, alpha=0.8, label=name)
        held_out = _curve(epochs, f"valid {name}")
        axis.plot(*held_out, color=colour, marker="o", linestyle="", markersize=5)
    axis.plot([], [], color="0.3", marker="o", linestyle="", label="validation")
    axis.set_ylabel("loss")
    _put_legend(axis)


def _other_metrics(epochs: list[Row]) -> list[str]:
    """Name the validation metrics that are no losses, ranks apart: they have another scale."""
    names = [name for row in epochs[-1:] for name in row if name.startswith("valid ")]
    return [name for name in names if "loss" not in name and "rank" not in name]


def _draw_metrics(axis: Axes, epochs: list[Row], names: list[str]) -> None:
    """Draw the metrics as lines, and what chance would give as dotted ones in grey."""
    measured = [name for name in names if "chance" not in name]
    styles: dict[str, dict[str, Any]] = {
        name: {"color": c, "marker": "o", "markersize": 4} for name, c in zip(measured, COLOURS)
    }
    for name, grey in zip((n for n in names if "chance" in n), ("0.3", "0.5", "0.7")):
        styles[name] = {"color": grey, "linestyle": ":"}
    for name, style in styles.items():
        axis.plot(*_curve(epochs, name), label=name.removeprefix("valid "), **style)
    axis.set_ylabel("validation")
    _put_legend(axis)


def _put_legend(axis: Axes) -> None:
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
