"""Rows of a store by group, in an order that is known without a list of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from protclip_td.data.sampling.lazy_indices import LazyIndices
from protclip_td.data.sampling.property_driven import (
    PropertyDrivenDraw,
    ShuffledGroups,
    entry_weight,
)
from protclip_td.data.sampling.rule import PAPER_EXPONENTS


class Stretch(NamedTuple):
    """Rows of one group that lie together: a group of a store, or one split's part of it.

    Parameters:
        confidence (int): sample confidence C, 1 to 5
        coverage (int): number of properties, 1 to 4
        begin (int): first row
        size (int): number of rows
        offset (int): place of the first row in its block of the store, where that is cut
    """

    confidence: int
    coverage: int
    begin: int
    size: int
    offset: int = 0


class Rows(LazyIndices):
    """Rows of some stretches in the order of `ShuffledGroups`.

    Parameters:
        stretches (sequence of Stretch): as many as `order` has groups
        order (ShuffledGroups): which stretch, and which of its rows, at each position

    Example::

        >>> rows = all_once([Stretch(1, 4, begin=10, size=3), Stretch(3, 3, begin=20, size=2)])
        >>> len(rows), sorted(rows)
        (5, [10, 11, 12, 20, 21])
    """

    def __init__(self, stretches: Sequence[Stretch], order: ShuffledGroups) -> None:
        self._begins = np.array([stretch.begin for stretch in stretches])
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


def all_once(stretches: Sequence[Stretch]) -> Rows:
    """Every row once, in an order that is always the same and mixes the groups."""
    sizes = [stretch.size for stretch in stretches]
    return Rows(stretches, ShuffledGroups(sizes, sizes, [0], _offsets(stretches)))


def draw_rows(
    stretches: Sequence[Stretch],
    num_draws: int,
    exponents: tuple[float, float] = PAPER_EXPONENTS,
    seed: int = 0,
) -> PropertyDrivenDraw:
    """The draw of rows by sample confidence and property coverage.

    Parameters:
        stretches (sequence of Stretch): at most one of each confidence and coverage
        num_draws (int): draws per epoch
        exponents (tuple of float, optional): of confidence and of coverage, (−3, ½) in the paper
        seed (int, optional): another seed, another draw

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
    """
    confidence, coverage, _, sizes, _ = np.array(stretches).T
    weights = entry_weight(confidence, coverage, *exponents)
    return PropertyDrivenDraw(sizes, weights, num_draws, seed, _offsets(stretches))


def _offsets(stretches: Sequence[Stretch]) -> list[int]:
    return [stretch.offset for stretch in stretches]
