"""A store's report for people: a page and its pictures, made of nothing but the manifest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.store.composition import CONFIDENCE_NAMES, COVERAGE_NAMES
from protclip_td.properties import CONFIDENCES
from protclip_td.protanno.epochs import expected_epochs, training_counts
from protclip_td.protanno.page import heading, note, page, paragraph, picture, table
from protclip_td.protanno.paper import CONFIDENCE_SHARES, COVERAGE_SHARES
from protclip_td.protanno.plots import (
    COMPOSITION,
    EPOCHS,
    LENGTHS,
    draw_report,
)

REPORT = "report.html"
_PAPER = [f"{name} (paper)" for name in CONFIDENCE_SHARES]


def write_report(manifest: dict[str, Any], folder: Path) -> None:
    """Write `report.html` and its pictures; the same manifest gives the same bytes.

    Parameters:
        manifest (dict): of a finished store
        folder (Path): where the files go
    """
    draw_report(manifest, folder)
    parts = [
        *_overview(manifest),
        *_composition(manifest),
        *_sampling(manifest),
        *_lengths(),
        *_left_out(manifest),
        *_origin(manifest),
    ]
    (folder / REPORT).write_text(page("ProtAnno store", parts), encoding="utf-8")


def _overview(manifest: dict[str, Any]) -> list[str]:
    read = int(np.sum(manifest["counts"]["before"]))
    files = [part for group in manifest["groups"] for part in group["parts"]]
    size = sum(part["bytes"] for part in files)
    return [
        paragraph(
            f"{manifest['entries']:,} pairs of {read:,} that were read, in "
            f"{len(manifest['groups'])} groups of one sample confidence C and one property "
            f"coverage R, {size:,} bytes in {len(files):,} files."
        ),
        *_splits(manifest["splits"]),
    ]


def _splits(splits: dict[str, Any]) -> list[str]:
    """How many pairs are to train on, to validate with and to test with."""
    counts = {name: int(np.sum(table)) for name, table in splits.items()}
    rows = [[name, number, f"{number / max(sum(counts.values()), 1):.2%}"]
            for name, number in counts.items()]  # fmt: skip
    held_out = note("A hash of the sequence decides: identical sequences are in the same split.")
    return [table(["split", "pairs", "share"], rows), held_out]


def _composition(manifest: dict[str, Any]) -> list[str]:
    before, after = (np.array(manifest["counts"][key]) for key in ("before", "after"))
    header = ["read", "share", "kept", "share", *_PAPER]
    return [
        heading("Composition"),
        picture(COMPOSITION, "shares of confidence and coverage beside the paper's"),
        table(
            ["sample confidence C", *header],
            _shares(CONFIDENCE_NAMES, before.sum(1), after.sum(1), CONFIDENCE_SHARES),
        ),
        table(
            ["property coverage R", *header],
            _shares(COVERAGE_NAMES, before.sum(0), after.sum(0), COVERAGE_SHARES),
        ),
        note(
            "The paper's shares are of its whole data, before any sampling: hold them against what "
            "was read. ProtAnno-S is Swiss-Prot, ProtAnno-D is Swiss-Prot and TrEMBL (Table 1 and "
            "Figure 1)."
        ),
        *_cells("Read", before),
        *_cells("Kept", after),
    ]


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


def _cells(title: str, counts: np.ndarray) -> list[str]:
    rows = [[f"C = {c}", *row.tolist(), int(row.sum())] for c, row in zip(CONFIDENCES, counts)]
    return [table([title, *(f"R = {name}" for name in COVERAGE_NAMES), "all"], rows)]


def _sampling(manifest: dict[str, Any]) -> list[str]:
    counts, epochs = training_counts(manifest), expected_epochs(manifest)
    rows = [
        [f"C = {row + 1}, R = {column + 1}/4", int(counts[row, column]),
         f"{epochs[row, column] * counts[row, column] / counts.sum():.2%}",
         f"{epochs[row, column]:.3g}"]
        for row, column in np.argwhere(epochs > 0)
    ]  # fmt: skip
    return [
        heading("Sampling"),
        paragraph(_rule(manifest["options"])),
        picture(EPOCHS, "times that an entry of each group comes per epoch"),
        table(["group", "to train on", "share of the draws", "times per epoch"], rows),
        note(
            "An epoch is as many draws as there are pairs to train on. A group with more pairs "
            "than draws gives none twice; one with fewer gives all before any comes again."
        ),
    ]


def _rule(options: dict[str, Any]) -> str:
    confidence, coverage = options["confidence_exponent"], options["coverage_exponent"]
    rule = f"C to the power {confidence:g} times R to the power {coverage:g}"
    if options["sampling"] == "thin":
        return (
            f"Thinned once: each eligible entry was kept with probability {rule} (seed "
            f"{options['seed']}), and all that were kept are drawn alike."
        )
    return f"Weighted: all that is eligible is kept, and drawn in proportion to {rule}."


def _lengths() -> list[str]:
    return [
        heading("Lengths"),
        picture(LENGTHS, "distribution of residues and of characters of the biotext"),
        note("Of the pairs that were kept."),
    ]


def _left_out(manifest: dict[str, Any]) -> list[str]:
    reasons = [
        *(("no pair", reason, number) for reason, number in manifest["rejected"].items()),
        *(("not kept", reason, number) for reason, number in manifest["dropped"].items()),
    ]
    excluded = [
        [record["name"], record["sequences"], record["identical"], record["similar"]]
        for record in manifest["excluded"]
    ]
    parts = [heading("Left out"), table(["what", "reason", "entries"], reasons)]
    if excluded:
        header = ["excluded file", "sequences", "pairs identical to one", "pairs similar to one"]
        parts.append(table(header, excluded))
    return [*parts, note("rejected.tsv names each that is no pair.")]


def _origin(manifest: dict[str, Any]) -> list[str]:
    inputs = [[record["name"], record["size"], record["sha256"]] for record in manifest["inputs"]]
    facts = {**manifest["options"], **manifest["versions"]}
    return [
        heading("Origin"),
        table(["input", "bytes", "SHA-256"], inputs),
        table(["option or version", "value"], [[key, f"{value}"] for key, value in facts.items()]),
    ]
