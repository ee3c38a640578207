"""Results as text: aligned for the terminal, Markdown for the documentation."""

from collections.abc import Sequence

from protclip_td import wording

Row = Sequence[str]


def aligned(header: Row, rows: Sequence[Row]) -> str:
    """A table in columns; the first is flush left, the others flush right.

    Example::

        >>> print(aligned(["run", "pairs/s"], [["batch 8", "2.4"]]))
        run      pairs/s
        batch 8      2.4
    """
    return "\n".join(wording.aligned([header, *rows]))


def markdown(header: Row, rows: Sequence[Row]) -> str:
    """The same table in Markdown."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
