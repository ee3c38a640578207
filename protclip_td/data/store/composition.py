"""What a data set is made of: confidence × coverage, before and after the sampling rule."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from protclip_td.data.store.manifest import Group
from protclip_td.properties import COVERAGES, GROUPS_SHAPE, PROTEIN_EXISTENCE
from protclip_td.wording import aligned

#: How a table names each sample confidence, by row, and each property coverage, by column.
CONFIDENCE_NAMES = tuple(f"{level} {words.lower()}" for level, words in PROTEIN_EXISTENCE.items())
COVERAGE_NAMES = tuple(f"{number}/4" for number in COVERAGES)


def count_groups(groups: Iterable[Group]) -> np.ndarray:
    """How many entries there are of each confidence and coverage, shape :math:`(5, 4)`."""
    table = np.zeros(GROUPS_SHAPE, dtype=np.int64)
    for group in groups:
        table[group.confidence - 1, group.coverage - 1] += group.size
    return table


@dataclass(frozen=True)
class Composition:
    """Counts per sample confidence (5 rows) and property coverage (4 columns).

    Parameters:
        before (array): entries of the store, shape :math:`(5, 4)`
        after (array): entries that the rule keeps, shape :math:`(5, 4)`
        splits (dict): of those, by split ("train", "valid", "test"), shape :math:`(5, 4)` each
        drawn (array): share of the training draws, sums to 1, shape :math:`(5, 4)`

    Example::

        >>> print(dataset.composition())
        209 entries, 195 after the sampling rule (train 151, valid 22, test 22)
        ...
    """

    before: np.ndarray
    after: np.ndarray
    splits: dict[str, np.ndarray]
    drawn: np.ndarray

    def __str__(self) -> str:
        splits = ", ".join(f"{name} {table.sum():,}" for name, table in self.splits.items())
        rows = [["sample confidence", *COVERAGE_NAMES, "all", "drawn"]]
        for row, name in enumerate(CONFIDENCE_NAMES):
            cells = [self._cell(row, column) for column in range(len(COVERAGES))]
            rows.append(
                [name, *cells, f"{self.before[row].sum():,}", f"{self.drawn[row].sum():.1%}"]
            )
        totals = [f"{number:,}" for number in self.before.sum(0)]
        rows.append(["all", *totals, f"{self.before.sum():,}", ""])
        rows.append(["drawn", *(f"{share:.1%}" for share in self.drawn.sum(0)), "", ""])
        return "\n".join(
            [
                f"{self.before.sum():,} entries, {self.after.sum():,} after the sampling rule "
                f"({splits})",
                "by sample confidence and property coverage; (dropped by the rule)",
                *aligned(rows),
            ]
        )

    def _cell(self, row: int, column: int) -> str:
        before, after = self.before[row, column], self.after[row, column]
        return f"({before:,})" if before and not after else f"{before:,}"

    def as_dict(self) -> dict[str, list[list[float]] | dict[str, list[list[int]]]]:
        """The same as lists, for a manifest."""
        return {
            "before": self.before.tolist(),
            "after": self.after.tolist(),
            "splits": {name: table.tolist() for name, table in self.splits.items()},
            "drawn": self.drawn.tolist(),
        }
