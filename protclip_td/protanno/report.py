"""A store's report for people: a page and its pictures, made of nothing but the manifest."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from protclip_td.data.store.composition import CONFIDENCE_NAMES, COVERAGE_NAMES
from protclip_td.properties import CONFIDENCES
from protclip_td.protanno.epochs import expected_epochs, training_counts
from protclip_td.protanno.paper import CONFIDENCE_SHARES, COVERAGE_SHARES
from protclip_td.protanno.plots import draw_report

REPORT = "report.html"
_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write_report(manifest: dict[str, Any], folder: Path) -> None:
    """Write `report.html` and its pictures; the same manifest gives the same bytes.

    Parameters:
        manifest (dict): of a finished store
        folder (Path): where the files go
    """
    draw_report(manifest, folder)
    parts = [part for group in manifest["groups"] for part in group["parts"]]
    before, after = (np.array(manifest["counts"][key]) for key in ("before", "after"))
    page = _template().render(
        manifest=manifest,
        read=int(before.sum()),
        bytes=sum(part["bytes"] for part in parts),
        files=len(parts),
        splits=_splits(manifest["splits"]),
        confidences=_shares(CONFIDENCE_NAMES, before.sum(1), after.sum(1), CONFIDENCE_SHARES),
        coverages=_shares(COVERAGE_NAMES, before.sum(0), after.sum(0), COVERAGE_SHARES),
        paper=[f"{name} (paper)" for name in CONFIDENCE_SHARES],
        cells_of={"Read": _cells(before), "Kept": _cells(after)},
        rule=_rule(manifest["options"]),
        epochs=_epochs(manifest),
        left_out=list(_left_out(manifest)),
        excluded=_columns(manifest["excluded"], "name", "sequences", "identical", "similar"),
        inputs=_columns(manifest["inputs"], "name", "size", "sha256"),
        facts=[
            [key, f"{value}"]
            for key, value in {**manifest["options"], **manifest["versions"]}.items()
        ],
    )
    (folder / REPORT).write_text(page, encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = "{:,}".format
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _splits(splits: dict[str, Any]) -> list[list[object]]:
    """How many pairs are to train on, to validate with and to test with."""
    sums = {name: np.sum(counts) for name, counts in splits.items()}
    whole = np.array(list(sums.values()))
    return [[name, int(number), _percent(number, whole)] for name, number in sums.items()]


def _shares(
    names: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    paper: Mapping[str, tuple[float, ...]],
) -> list[list[object]]:
    return [
        [name, int(read), _percent(read, before), int(kept), _percent(kept, after),
         *(f"{shares[place]:.2%}" for shares in paper.values())]
        for place, (name, read, kept) in enumerate(zip(names, before, after))
    ]  # fmt: skip


def _percent(part: int, of: np.ndarray) -> str:
    return f"{part / max(int(of.sum()), 1):.2%}"


def _cells(counts: np.ndarray) -> list[list[object]]:
    return [[f"C = {c}", *row.tolist(), int(row.sum())] for c, row in zip(CONFIDENCES, counts)]


def _epochs(manifest: dict[str, Any]) -> list[list[object]]:
    counts, epochs = training_counts(manifest), expected_epochs(manifest)
    return [
        [f"C = {row + 1}, R = {column + 1}/4", int(counts[row, column]),
         f"{epochs[row, column] * counts[row, column] / counts.sum():.2%}",
         f"{epochs[row, column]:.3g}"]
        for row, column in np.argwhere(epochs > 0)
    ]  # fmt: skip


def _rule(options: dict[str, Any]) -> str:
    confidence, coverage = options["confidence_exponent"], options["coverage_exponent"]
    rule = f"C to the power {confidence:g} times R to the power {coverage:g}"
    if options["sampling"] == "thin":
        return (
            f"Thinned once: each eligible entry was kept with probability {rule} (seed "
            f"{options['seed']}), and all that were kept are drawn alike."
        )
    return f"Weighted: all that is eligible is kept, and drawn in proportion to {rule}."


def _left_out(manifest: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    for what, key in (("no pair", "rejected"), ("not kept", "dropped")):
        for reason, number in manifest[key].items():
            yield what, reason, number


def _columns(records: Sequence[Mapping[str, Any]], *names: str) -> list[list[object]]:
    return [[record[name] for name in names] for record in records]
