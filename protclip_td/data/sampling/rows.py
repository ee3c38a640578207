"""Rows of a store by group, in an order that is known without a list of them."""

from collections.abc import Iterator, Sequence

import numpy as np

from protclip_td.data.sampling.lazy_indices import LazyIndices
from protclip_td.data.sampling.property_driven import (
    PropertyDrivenDraw,
    ShuffledGroups,
    entry_weight,
)
from protclip_td.data.sampling.rule import PAPER_EXPONENTS
from protclip_td.data.store.manifest import Group


class Rows(LazyIndices):
    """Rows of some groups in the order of `ShuffledGroups`.

    Parameters:
        groups (sequence of Group): as many as `order` has groups
        order (ShuffledGroups): which group, and which of its rows, at each position

    Example::

        >>> rows = all_once([Group(1, 4, begin=10, size=3), Group(3, 3, begin=20, size=2)])
        >>> len(rows), sorted(rows)
        (5, [10, 11, 12, 20, 21])
    """

    def __init__(self, groups: Sequence[Group], order: ShuffledGroups) -> None:
        self._begins = np.array([group.begin for group in groups])
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The rows at the given positions, shape :math:`(n,)`."""
        group, row = self._order(positions)
        return self._begins[group] + row

    def __iter__(self) -> Iterator[int]:
        for number in range(self._order.num_windows if len(self) else 0):
            group, row = self._order.window(number)
            yield from (self._begins[group] + row).tolist()


def all_once(groups: Sequence[Group]) -> Rows:
    """Every row once, in an order that is always the same and mixes the groups."""
    sizes = [group.size for group in groups]
    return Rows(groups, ShuffledGroups(sizes, sizes, [0], _offsets(groups)))


def draw_rows(
    groups: Sequence[Group],
    num_draws: int,
    exponents: tuple[float, float] = PAPER_EXPONENTS,
    seed: int = 0,
) -> PropertyDrivenDraw:
    """The draw of rows by sample confidence and property coverage.

    Parameters:
        groups (sequence of Group): at most one of each confidence and coverage
        num_draws (int): draws per epoch
        exponents (tuple of float, optional): of confidence and of coverage, (−3, ½) in the paper
        seed (int, optional): another seed, another draw

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
    """
    confidence, coverage, _, sizes, _ = np.array(groups).T
    weights = entry_weight(confidence, coverage, *exponents)
    return PropertyDrivenDraw(sizes, weights, num_draws, seed, _offsets(groups))


def _offsets(groups: Sequence[Group]) -> list[int]:
    return [group.offset for group in groups]
