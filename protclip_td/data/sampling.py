"""Property-driven sampling: pick a group of entries, then a row in it, without a table of rows.

Entries of one sample confidence C and property coverage R form a group. A group is drawn with
P ∝ C⁻³ · √R · N, where N is its number of entries, and inside a group entries are equal.

Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
"""

from collections.abc import Sequence

import numpy as np

_ROUNDS = 6
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
        epoch_key = _mix(_mix(np.uint64(self.seed)) + np.uint64(epoch))
        slot = permute(np.asarray(positions), np.int64(self.num_draws), epoch_key)
        ends = np.cumsum(self.counts(epoch))
        group = np.searchsorted(ends, slot, side="right")
        turn = slot - np.concatenate(([0], ends[:-1]))[group]
        size = self.group_sizes[group]
        cycle_key = _mix(epoch_key + _mix(_u64(group + 1) * _GOLDEN + _u64(turn // size)))
        return group, permute(turn % size, size, cycle_key)


def permute(index: np.ndarray, size: np.ndarray | np.int64, key: np.ndarray | np.uint64):
    """Where a keyed permutation of `size` things puts the thing at `index`.

    A Feistel network over the grid of a × b ≥ size cells next to a square, walked on until it lands
    inside: no table, so it costs the same for ten things and for ten billion.

    Parameters:
        index (array): integers below `size`, shape :math:`(n,)`
        size (array): number of things, one for all or shape :math:`(n,)`
        key (array): 64 bits, one for all or shape :math:`(n,)`

    Returns:
        array: integers below `size`, shape :math:`(n,)`, different for different indices
    """
    size, key = np.broadcast_to(_u64(size), index.shape), np.broadcast_to(_u64(key), index.shape)
    width = np.ceil(np.sqrt(size.astype(np.float64))).astype(np.uint64)
    height = (size + width - np.uint64(1)) // np.maximum(width, np.uint64(1))
    result = _feistel(_u64(index), width, height, key)
    while len(outside := np.flatnonzero(result >= size)):
        result[outside] = _feistel(result[outside], width[outside], height[outside], key[outside])
    return result.astype(np.int64)


def _feistel(
    index: np.ndarray, width: np.ndarray, height: np.ndarray, key: np.ndarray
) -> np.ndarray:
    """Shift columns by a hash of the row, then rows by a hash of the column, and so on."""
    row, column = np.divmod(index, width)
    for number in range(0, _ROUNDS, 2):
        column = (column + _mix(key + row * _GOLDEN + np.uint64(number)) % width) % width
        row = (row + _mix(key + column * _GOLDEN + np.uint64(number + 1)) % height) % height
    return row * width + column


def _mix(value: np.ndarray | np.uint64):
    """Spread 64 bits over 64 bits (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        value = value + _GOLDEN
        value = (value ^ (value >> _S30)) * _MIX_1
        value = (value ^ (value >> _S27)) * _MIX_2
        return value ^ (value >> _S31)


def _u64(value: np.ndarray | np.int64 | np.uint64):
    return np.asarray(value).astype(np.uint64)
