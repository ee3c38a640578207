"""Keyed permutations of any number of things, without a table of them."""

import numpy as np

from protclip_td.data.store.layout import BLOCK_ROWS

_ROUNDS = 4  # each shifts both columns and rows
_ONE = np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)

#: Blocks whose rows are shuffled among each other.
BLOCKS_PER_WINDOW = 16
ROWS_PER_WINDOW = BLOCK_ROWS * BLOCKS_PER_WINDOW


def permute_blocks(index: np.ndarray, size: int, key: np.ndarray, offset: int = 0) -> np.ndarray:
    """Where a keyed permutation that keeps blocks together puts the row at `index`.

    The rows are cut into the blocks of a store, of 512 rows each. The blocks are shuffled, and then
    the rows of the first 16 of them among each other, of the next 16, and so on. So whoever asks
    for one index after the other needs 16 blocks at a time, however many there are. What fits into
    16 blocks is shuffled as a whole.

    Parameters:
        index (array): integers below `size`, shape :math:`(n,)`
        size (int): number of rows
        key (array): 64 bits, shape :math:`(n,)` or :math:`(1,)` for all
        offset (int, optional): place of the first row in its block, where that is cut

    Returns:
        array: integers below `size`, shape :math:`(n,)`, different for different indices

    Example::

        >>> key = np.array([7], dtype=np.uint64)
        >>> rows = permute_blocks(np.arange(8192), 1_000_000, key)
        >>> len(set(rows)), len(set(rows // 512))
        (8192, 16)
    """
    if size <= ROWS_PER_WINDOW:
        return permute(index, np.array([size]), key)
    num_block = -(-(offset + size) // BLOCK_ROWS)
    result = _permute_full_blocks(index + offset, num_block, key) - offset
    # The first and the last block need not be full. From a place that is no row it is walked on,
    # as in `permute`; that these few rows come from other blocks does no harm.
    while len(outside := np.flatnonzero((result < 0) | (result >= size))):
        walked = _permute_full_blocks(result[outside] + offset, num_block, _at(key, outside))
        result[outside] = walked - offset
    return result


def _permute_full_blocks(index: np.ndarray, num_block: int, key: np.ndarray) -> np.ndarray:
    """The permutation of all places in so many blocks, be there a row or not."""
    window, place = np.divmod(index, ROWS_PER_WINDOW)
    first = window * BLOCKS_PER_WINDOW
    room = np.minimum(num_block - first, BLOCKS_PER_WINDOW) * BLOCK_ROWS
    place = permute(place, room, mix(key + _ONE + window.astype(np.uint64)))
    block, row = np.divmod(place, BLOCK_ROWS)
    return permute(first + block, np.array([num_block]), key) * BLOCK_ROWS + row


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
    # The rotation alone is uniform; it matters when there are only a few things.
    rotated = (index.astype(np.uint64) + mix(key) % size) % size
    width = np.ceil(np.sqrt(size)).astype(np.uint64)
    height = (size + width - _ONE) // width
    result = _feistel(rotated, width, height, key)
    while len(outside := np.flatnonzero(result >= size)):
        grid = (_at(x, outside) for x in (width, height, key))
        result[outside] = _feistel(result[outside], *grid)
    return result.astype(np.int64)


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The values there, or the one for all."""
    return values if len(values) == 1 else values[places]


def _feistel(
    index: np.ndarray, width: np.ndarray, height: np.ndarray, key: np.ndarray
) -> np.ndarray:
    """Shift columns by a hash of the row, then rows by a hash of the column, and so on."""
    row, column = index // width, index % width
    for _ in range(_ROUNDS):
        key = key + _GOLDEN
        column = (column + mix(row + key) % width) % width
        row = (row + mix(column ^ key) % height) % height
    return row * width + column


def mix(value: np.ndarray) -> np.ndarray:
    """Spread 64 bits over 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)
