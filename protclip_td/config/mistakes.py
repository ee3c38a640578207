"""A list of everything that is wrong with a configuration, reported at once."""

from collections.abc import Iterable
from typing import NamedTuple

from protclip_td.errors import InputError


class Mistake(NamedTuple):
    """One thing that is wrong.

    Parameters:
        where (str): key (``optimizer.lr``) or flag (``--batch_size``)
        message (str): what was given, what was expected
        line (int, optional): line in the file, from 1; None for a flag
    """

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {self.message}"


def report(source: object, mistakes: Iterable[Mistake]) -> InputError:
    """All mistakes as one error, those of the file first, from top to bottom.

    Example::

        >>> print(report("pretrain.yaml", [Mistake("task.modle", "unknown key", 14)]))
        pretrain.yaml has 1 mistake
          line 14: task.modle: unknown key
    """
    lines = sorted(dict.fromkeys(mistakes), key=lambda mistake: mistake.line or 10**9)
    title = f"{source} has {len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    return InputError("\n".join([title, *(f"  {mistake}" for mistake in lines)]))
