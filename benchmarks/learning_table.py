"""The learning benchmark's results as Markdown."""

from typing import Any

from tables import markdown

Result = dict[str, Any]

_FIGURES = ("R@1", "R@10", "MRR")
_DIRECTIONS = ("text-to-protein", "protein-to-text")
_LOSSES = ("contrastive", "bsr", "mlm", "pda")


def render(results: dict[str, Result]) -> str:
    """Two tables: retrieval among the held-out pairs, and the losses on them."""
    if not results:
        return "no results yet"
    return f"{retrieval_table(results)}\n\n{loss_table(results)}"


def retrieval_table(results: dict[str, Result]) -> str:
    """R@1, R@10 and MRR in both directions, chance first."""
    header = ["configuration", *(f"{d} {f}" for d in _DIRECTIONS for f in _FIGURES)]
    any_test = next(iter(results.values()))["test"]
    chance = [f"{any_test[f'chance {figure}']:.3f}" for figure in _FIGURES]
    rows = [["chance", *chance, *chance]]
    for name, result in results.items():
        figures = [result["test"][f"{d} {f}"] for d in _DIRECTIONS for f in _FIGURES]
        rows.append([name, *(f"{x:.3f}" for x in figures)])
    return markdown(header, rows)


def loss_table(results: dict[str, Result]) -> str:
    """The four losses of the configurations that have a protein encoder."""
    rows = [
        [name, *(f"{result['losses'][f'{loss} loss']:.3f}" for loss in _LOSSES)]
        for name, result in results.items()
        if "losses" in result
    ]
    if "untrained" in results:
        guess = f"{results['untrained']['frequency_loss']:.3f}"
        rows.insert(0, ["amino-acid frequencies", "", guess, guess, ""])
    return markdown(["configuration", *_LOSSES], rows)
