"""Results as text: aligned for the terminal, Markdown for the documentation."""

from collections.abc import Sequence

Row = Sequence[str]


def aligned(header: Row, rows: Sequence[Row]) -> str:
    """A table in columns; the first is flush left, the others flush right.

    Example::

        >>> print(aligned(["run", "pairs/s"], [["batch 8", "2.4"]]))
        run      pairs/s
        batch 8      2.4
    """
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    return "\n".join(_line(row, widths) for row in (header, *rows))


def _line(row: Row, widths: Sequence[int]) -> str:
    first, *others = zip(row, widths)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return "  ".join(cells).rstrip()


def markdown(header: Row, rows: Sequence[Row]) -> str:
    """The same table in Markdown."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
