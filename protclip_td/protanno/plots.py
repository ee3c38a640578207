"""The pictures of a store's report, drawn from its manifest."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno.epochs import expected_epochs
from protclip_td.protanno.paper import CONFIDENCE_SHARES, COVERAGE_SHARES

COMPOSITION, LENGTHS, EPOCHS = "composition.png", "lengths.png", "epochs.png"

#: Residues of a protein that ESM-2 reads.
_READ_RESIDUES = 1022
_SHOWN = 0.99  # share of the entries that a histogram shows
# Colours that stay apart for colour-blind readers (Okabe and Ito).
_READ, _KEPT, _PAPER = "#0072B2", "#D55E00", {"ProtAnno-S": "0.75", "ProtAnno-D": "0.45"}


def draw_report(manifest: dict[str, Any], folder: Path) -> None:
    """Draw all pictures of a report into a folder; the same manifest gives the same bytes."""
    _draw_composition(manifest["counts"], folder / COMPOSITION)
    _draw_lengths(manifest["statistics"], folder / LENGTHS)
    _draw_epochs(expected_epochs(manifest), folder / EPOCHS)


def _draw_composition(counts: dict[str, list[list[int]]], path: Path) -> None:
    """Shares of each confidence and coverage, beside the paper's."""
    levels = [f"C = {level}" for level in CONFIDENCES]
    coverages = [f"R = {number}/4" for number in COVERAGES]
    with _figure(path, columns=2) as (left, right):
        _draw_shares(left, levels, counts, 1, CONFIDENCE_SHARES)
        _draw_shares(right, coverages, counts, 0, COVERAGE_SHARES)
        left.set_title("sample confidence")
        right.set_title("property coverage")
        bars = left.get_legend_handles_labels()
        left.figure.legend(*bars, loc="outside lower center", ncols=4, frameon=False)


def _draw_shares(
    axis: Any,
    names: list[str],
    counts: dict[str, list[list[int]]],
    summed: int,
    paper: Mapping[str, tuple[float, ...]],
) -> None:
    """Four bars for each name: what was read, what was kept, and the paper's two."""
    sums = {key: np.sum(counts[key], summed) for key in ("before", "after")}
    bars = [
        ("read", sums["before"] / max(int(sums["before"].sum()), 1), _READ),
        ("kept", sums["after"] / max(int(sums["after"].sum()), 1), _KEPT),
        *((f"{name} (paper)", shares, _PAPER[name]) for name, shares in paper.items()),
    ]
    for place, (label, values, colour) in enumerate(bars):
        x = np.arange(len(names)) + 0.2 * (place - 1.5)
        axis.bar(x, values, width=0.19, color=colour, label=label)
    axis.set_xticks(range(len(names)), names)
    axis.set_ylabel("share of the entries")


def _draw_lengths(statistics: dict[str, dict[str, list[int]]], path: Path) -> None:
    """How long the sequences and biotexts are that were kept."""
    with _figure(path, columns=2) as (left, right):
        _draw_histogram(left, statistics["residues"], "residues", "of a kept sequence")
        _draw_histogram(right, statistics["text"], "characters", "of a kept biotext")
        left.axvline(_READ_RESIDUES, color="0.3", linestyle=":")
        left.text(_READ_RESIDUES, 0.98, " read by\n the model", va="top", color="0.3",
                  transform=left.get_xaxis_transform())  # fmt: skip


def _draw_histogram(axis: Any, histogram: dict[str, list[int]], unit: str, of: str) -> None:
    """Entries by length, in bins of different widths; the few longest are left out."""
    edges, counts = np.array(histogram["edges"]), np.array(histogram["counts"])
    total = max(int(counts.sum()), 1)
    shown = int(np.searchsorted(np.cumsum(counts), _SHOWN * total)) + 1
    percent_per_100 = 100 * 100 * counts / total / np.diff(edges)
    axis.stairs(percent_per_100[:shown], edges[: shown + 1], fill=True, color=_KEPT)
    axis.set_xlabel(f"{unit} {of}")
    axis.set_ylabel(f"share per 100 {unit} (%)")
    longer = int(counts[shown:].sum())
    if longer:
        axis.set_title(_not_shown(longer), fontsize="medium", loc="right")


def _not_shown(number: int) -> str:
    """What a histogram says of those that are too long for it.

    Example::

        >>> _not_shown(1), _not_shown(1200)
        ('1 longer one not shown', '1,200 longer ones not shown')
    """
    return f"{number:,} longer {'one' if number == 1 else 'ones'} not shown"


def _draw_epochs(epochs: np.ndarray, path: Path) -> None:
    """How often an entry of each group comes in an epoch."""
    cells = np.argwhere(epochs > 0)[::-1]
    names = [f"C = {row + 1}, R = {column + 1}/4" for row, column in cells]
    values = [epochs[row, column] for row, column in cells]
    with _figure(path, height=1.2 + 0.26 * len(names)) as (axis,):
        axis.axvline(1, color="0.3", linestyle=":")
        axis.plot(values, names, color=_KEPT, marker="o", linestyle="")
        for name, value in zip(names, values):
            axis.annotate(f"{value:.3g}", (value, name), (8, 0), textcoords="offset points",
                          va="center", bbox={"color": "white", "pad": 1})  # fmt: skip
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.grid(axis="x", alpha=0.25)
        axis.margins(x=0.1, y=0.1)
        axis.set_xlabel("times that an entry comes per epoch")


@contextmanager
def _figure(path: Path, columns: int = 1, height: float = 3.4) -> Iterator[Sequence[Any]]:
    """Panels beside each other, which are written when the block ends."""
    import matplotlib
    from matplotlib.figure import Figure

    # A person's own settings would give other bytes.
    with matplotlib.rc_context(matplotlib.rcParamsDefault):
        figure = Figure(figsize=(9, height), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)[0]
        for axis in axes:
            axis.spines[["top", "right"]].set_visible(False)
        yield axes
        # matplotlib would put its version into the file.
        figure.savefig(path, dpi=110, metadata={"Software": None})
