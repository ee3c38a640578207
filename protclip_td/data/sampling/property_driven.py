"""Property-driven sampling: pick a group of entries, then a row in it, without a table of rows.

Entries of one sample confidence C and property coverage R form a group. A group is drawn with
P ∝ C⁻³ · √R · N, where N is its number of entries, and inside a group entries are equal.

Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from protclip_td.data.sampling.permutation import mix, permute_blocks
from protclip_td.data.sampling.rule import PAPER_EXPONENTS
from protclip_td.data.sampling.window_order import draw_at_position
from protclip_td.data.store.layout import BLOCK_ROWS

#: Draws that are shuffled among each other; each such window has every group's share.
DRAWS_PER_WINDOW = 1 << 16
_TURNS_AT_ONCE = 1 << 14


def entry_weight(
    confidence: np.ndarray,
    coverage: np.ndarray,
    confidence_exponent: float = PAPER_EXPONENTS[0],
    coverage_exponent: float = PAPER_EXPONENTS[1],
) -> np.ndarray:
    """How likely one entry is to be drawn, against another.

    Parameters:
        confidence (array): sample confidence C, 1 to 5
        coverage (array): number of properties, 1 to 4; R is this divided by 4
        confidence_exponent (float, optional): −3 (paper)
        coverage_exponent (float, optional): ½ (paper)

    Example::

        >>> entry_weight(np.array([1, 2]), np.array([4, 1]))
        array([1.    , 0.0625])
    """
    share = np.asarray(coverage, dtype=np.float64) / 4
    return np.asarray(confidence, dtype=np.float64) ** confidence_exponent * (
        share**coverage_exponent
    )


class PropertyDrivenDraw:
    """The draw of an epoch as a pure function of seed, epoch and position.

    How many draws a group gets in an epoch is drawn from P. A group with more rows than draws gives
    no row twice; one with fewer gives every row once before any comes again. Any position can be
    asked for alone, by any process, and memory does not grow with the number of entries.

    Parameters:
        group_sizes (sequence of int): entries of each group, shape :math:`(G,)`
        weights (sequence of float): weight of one entry of each group, shape :math:`(G,)`
        num_draws (int): draws per epoch
        seed (int, optional): another seed, another draw
        offsets (sequence of int, optional): as in `ShuffledGroups`

    Example::

        >>> draw = PropertyDrivenDraw([100, 100], [1.0, 0.5], num_draws=3)
        >>> group, row = draw.order(epoch=0)(np.arange(3))
    """

    def __init__(
        self,
        group_sizes: Sequence[int] | np.ndarray,
        weights: Sequence[float] | np.ndarray,
        num_draws: int,
        seed: int = 0,
        offsets: Sequence[int] | None = None,
    ) -> None:
        self.group_sizes = np.asarray(group_sizes, dtype=np.int64)
        mass = self.group_sizes * np.asarray(weights, dtype=np.float64)
        self.probabilities = mass / mass.sum()
        self.num_draws = num_draws
        self.seed = seed
        self.offsets = offsets

    def counts(self, epoch: int) -> np.ndarray:
        """How many draws each group gets in an epoch, shape :math:`(G,)`."""
        generator = np.random.default_rng([self.seed, epoch])
        return generator.multinomial(self.num_draws, self.probabilities)

    def order(self, epoch: int, num_ranks: int = 1) -> "ShuffledGroups":
        """All draws of an epoch, counted from 0, in their order, which is good for so many ranks.

        Which rows are drawn does not depend on the number of ranks.
        """
        key = (self.seed, epoch)
        counts = self.counts(epoch)
        return ShuffledGroups(self.group_sizes, counts, key, self.offsets, num_ranks)


class ShuffledGroups:
    """So many rows of each group in a keyed order, which can be asked for at any position.

    A group's rows come in the order of `permute_blocks`, so that few blocks are needed at a time,
    and the groups are shuffled among each other: the positions are cut into windows of about
    65,536, each gets its share of every group, and inside a window any order is as likely.

    Several ranks take the positions in turns. Then each gets its share of every group of a window,
    and of that share, rows that lie in as few blocks as possible: otherwise every rank would have
    to decode every block for a few of its rows. Windows hold the same rows for any number of ranks.

    Parameters:
        sizes (array): rows of each group, shape :math:`(G,)`
        counts (array): how many times to draw from each group, shape :math:`(G,)`; a group is gone
            through fully before any of its rows comes again
        key (sequence of int): from 0; another key, another order
        offsets (sequence of int, optional): place of each group's first row in its block, where
            that is cut; 0 by default
        num_ranks (int, optional): how many take the positions in turns

    Example::

        >>> group, row = ShuffledGroups([2, 3], [2, 3], key=[0])(np.arange(5))
        >>> sorted(zip(group.tolist(), row.tolist()))
        [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    """

    def __init__(
        self,
        sizes: Sequence[int] | np.ndarray,
        counts: Sequence[int] | np.ndarray,
        key: Sequence[int],
        offsets: Sequence[int] | None = None,
        num_ranks: int = 1,
    ) -> None:
        self.num_ranks = num_ranks
        self.sizes = np.asarray(sizes, dtype=np.int64)
        self.offsets = np.asarray([0] * len(self.sizes) if offsets is None else offsets)
        self.ends = np.cumsum(counts, dtype=np.int64)  # of the groups, laid out one after another
        self.num_windows = max(1, -(-len(self) // DRAWS_PER_WINDOW))
        keys = np.random.SeedSequence(key).generate_state(2, np.uint64)
        self._order_key, self._row_key = keys[:1], keys[1:]
        self._last: tuple[int, np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The groups and the rows inside them at the given positions.

        Parameters:
            positions (array): integers below the sum of the counts, shape :math:`(n,)`

        Returns:
            (array, array): group numbers and rows inside the group, shape :math:`(n,)` each
        """
        number, place = self._window_of(np.asarray(positions, dtype=np.int64))
        group, row = np.empty_like(place), np.empty_like(place)
        for window in np.unique(number).tolist():
            here = number == window
            groups, rows = self.window(window)
            group[here], row[here] = groups[place[here]], rows[place[here]]
        return group, row

    def window(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """All groups and rows of one window, in their order; the last one is kept."""
        if self._last is None or self._last[0] != number:
            self._last = (number, *self._make_window(number))
        _, group, row = self._last
        return group, row

    def _window_of(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Window and place in it; the first few windows have one position more than the others."""
        length, longer = divmod(len(self), self.num_windows)
        border = longer * (length + 1)
        in_longer = positions < border
        number = np.where(
            in_longer,
            positions // (length + 1),
            longer + (positions - border) // length,
        )
        return number, positions - number * length - np.minimum(number, longer)

    def _make_window(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Group and row at each position of a window of n draws, shape :math:`(n,)` each.

        There are four ways to count:

        - slots: all draws of the epoch, the groups laid out one after another
        - turns: the draws of one group in the epoch
        - draws: those of this window, 0 to n - 1, in the order of their slots, that is by group
        - positions: those of this window, 0 to n - 1, in the order in which they are handed out
        """
        # Every num_windows-th slot: the exact share of each group.
        slots = np.arange(number, len(self), self.num_windows)
        group = np.searchsorted(self.ends, slots, side="right")
        row = self._rows_of_draws(group, number)
        block = (row + self.offsets[group]) // BLOCK_ROWS
        key = mix(self._order_key + np.uint64(number))
        draw = draw_at_position(group, block, self.num_ranks, key)
        return group[draw], row[draw]

    def _rows_of_draws(self, group: np.ndarray, number: int) -> np.ndarray:
        """The row of each draw of a window, inside its group, shape :math:`(n,)`."""
        begins = np.concatenate(([0], self.ends[:-1]))
        first_turn = self._slots_before(self.ends, number) - self._slots_before(begins, number)
        end_turn = first_turn + np.bincount(group, minlength=len(self.sizes))
        spans = [(g, first_turn[g], end_turn[g]) for g in np.unique(group).tolist()]
        return np.concatenate([rows for span in spans for rows in self._rows_of_turns(*span)])

    def _slots_before(self, end: np.ndarray, number: int) -> np.ndarray:
        """How many of the first `end` slots belong to the windows before this one."""
        rounds, rest = np.divmod(end, self.num_windows)
        return rounds * number + np.minimum(rest, number)

    def _rows_of_turns(self, group: int, first: int, end: int) -> Iterator[np.ndarray]:
        """What a group gives from its turn `first` on, some turns at a time to save memory."""
        size = int(self.sizes[group])
        for begin in range(first, end, _TURNS_AT_ONCE):
            turns = np.arange(begin, min(begin + _TURNS_AT_ONCE, end))
            # A group that is gone through again comes in another order.
            cycle, place = np.divmod(turns, size)
            keys = mix(mix(self._row_key + np.uint64(group)) + cycle.astype(np.uint64))
            yield permute_blocks(place, size, keys, int(self.offsets[group]))
