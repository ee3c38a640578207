"""Property-driven sampling: pick a group of entries, then a row in it, without a table of rows.

Entries of one sample confidence C and property coverage R form a group. A group is drawn with
P ∝ C⁻³ · √R · N, where N is its number of entries, and inside a group entries are equal.

Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
"""

from collections.abc import Sequence

import numpy as np

_ROUNDS = 4  # each shifts both columns and rows
_ONE = np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def entry_weight(
    confidence: np.ndarray,
    coverage: np.ndarray,
    confidence_exponent: float = -3.0,
    coverage_exponent: float = 0.5,
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
    no row twice; one with fewer gives every row once before any comes again. The order of draws is
    a keyed permutation, so any position can be asked for alone, by any process, and memory does not
    grow with the number of entries.

    Parameters:
        group_sizes (sequence of int): entries of each group, shape :math:`(G,)`
        weights (sequence of float): weight of one entry of each group, shape :math:`(G,)`
        num_draws (int): draws per epoch
        seed (int, optional): another seed, another draw

    Example::

        >>> draw = PropertyDrivenDraw([100, 100], [1.0, 0.5], num_draws=3)
        >>> group, rank = draw(epoch=0)
    """

    def __init__(
        self,
        group_sizes: Sequence[int] | np.ndarray,
        weights: Sequence[float] | np.ndarray,
        num_draws: int,
        seed: int = 0,
    ) -> None:
        self.group_sizes = np.asarray(group_sizes, dtype=np.int64)
        mass = self.group_sizes * np.asarray(weights, dtype=np.float64)
        self.probabilities = mass / mass.sum()
        self.num_draws = num_draws
        self.seed = seed

    def counts(self, epoch: int) -> np.ndarray:
        """How many draws each group gets in an epoch, shape :math:`(G,)`."""
        generator = np.random.default_rng([self.seed, epoch])
        return generator.multinomial(self.num_draws, self.probabilities)

    def __call__(
        self, epoch: int, positions: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The group and the row inside it at the given positions of an epoch.

        Parameters:
            epoch (int): from 0
            positions (array, optional): integers below `num_draws`, shape :math:`(n,)`;
                all of them by default

        Returns:
            (array, array): group numbers and ranks inside the group, shape :math:`(n,)` each
        """
        if positions is None:
            positions = np.arange(self.num_draws)
        order_key, row_key = np.random.SeedSequence([self.seed, epoch]).generate_state(2, np.uint64)
        slot = permute(np.asarray(positions), np.array([self.num_draws]), np.array([order_key]))
        ends = np.cumsum(self.counts(epoch))
        group = np.searchsorted(ends, slot, side="right")
        turn = slot - np.concatenate(([0], ends[:-1]))[group]
        size = self.group_sizes[group]
        # A group that is gone through again comes in another order.
        cycle, place = np.divmod(turn, size)
        keys = _mix(_mix(row_key + group.astype(np.uint64)) + cycle.astype(np.uint64))
        return group, permute(place, size, keys)


def permute(index: np.ndarray, size: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Where a keyed permutation of `size` things puts the thing at `index`.

    A Feistel network over a grid of just enough cells, next to a square, walked on until it lands
    on one of the things: no table, so ten billion things cost no more than ten.

    Parameters:
        index (array): integers below `size`, shape :math:`(n,)`
        size (array): number of things, shape :math:`(n,)`, or :math:`(1,)` for all
        key (array): 64 bits, shape :math:`(n,)`, or :math:`(1,)` for all

    Returns:
        array: integers below `size`, shape :math:`(n,)`, different for different indices

    Example::

        >>> sorted(permute(np.arange(5), np.array([5]), np.array([7], dtype=np.uint64)).tolist())
        [0, 1, 2, 3, 4]
    """
    size = size.astype(np.uint64)
    # The turn by itself gives every thing every place equally often, however few things there are.
    turned = (index.astype(np.uint64) + _mix(key) % size) % size
    width = np.ceil(np.sqrt(size)).astype(np.uint64)
    height = (size + width - _ONE) // width
    result = _feistel(turned, width, height, key)
    while len(outside := np.flatnonzero(result >= size)):
        grid = (x if len(x) == 1 else x[outside] for x in (width, height, key))
        result[outside] = _feistel(result[outside], *grid)
    return result.astype(np.int64)


def _feistel(
    index: np.ndarray, width: np.ndarray, height: np.ndarray, key: np.ndarray
) -> np.ndarray:
    """Shift columns by a hash of the row, then rows by a hash of the column, and so on."""
    row, column = index // width, index % width
    for _ in range(_ROUNDS):
        key = key + _GOLDEN
        column = (column + _mix(row + key) % width) % width
        row = (row + _mix(column ^ key) % height) % height
    return row * width + column


def _mix(value: np.ndarray) -> np.ndarray:
    """Spread 64 bits over 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)
