"""The order in which the draws of a window are handed out, to one rank or to several in turns."""

import numpy as np

from protclip_td.data.sampling.permutation import mix


def draw_at_position(
    group: np.ndarray, block: np.ndarray, num_ranks: int, key: np.ndarray
) -> np.ndarray:
    """In which order the draws of a window are handed out: the draw at each position.

    Of n positions the first is rank 0's, the next rank 1's and so on. At those of a rank the groups
    come at random, and a group's draws in their order, so that its blocks are needed one after
    another.

    Parameters:
        group (array): of each draw, ascending, shape :math:`(n,)`
        block (array): of each draw's row, shape :math:`(n,)`
        num_ranks (int): how many take the positions in turns
        key (array): 64 bits, shape :math:`(1,)`

    Returns:
        array: a permutation of the n draws, shape :math:`(n,)`

    Example, with 2 ranks and 8 draws: six of group 0, from its blocks 4 and 9, and two of group 1::

        >>> group, block = np.array([0, 0, 0, 0, 0, 0, 1, 1]), np.array([4, 4, 4, 9, 9, 9, 1, 1])
        >>> key = np.array([1], dtype=np.uint64)
        >>> rank_of_draw(group, block, num_ranks=2, key=key)  # block 9 is rank 0's, 4 is rank 1's
        array([1, 1, 1, 0, 0, 0, 0, 1])
        >>> draw = draw_at_position(group, block, num_ranks=2, key=key)
        >>> draw
        array([6, 0, 3, 1, 4, 7, 5, 2])
        >>> draw[0::2], draw[1::2]  # of rank 0 and of rank 1; in each, a group's draws are in order
        (array([6, 3, 4, 5]), array([0, 1, 7, 2]))
        >>> group[draw]
        array([1, 0, 0, 0, 0, 1, 0, 0])
    """
    rank = rank_of_draw(group, block, num_ranks, key)
    lottery = mix(key + np.arange(len(group), dtype=np.uint64))
    result = np.empty(len(group), dtype=np.int64)
    for number in range(num_ranks):
        draws = np.flatnonzero(rank == number)
        shuffled = draws[np.argsort(lottery[draws], kind="stable")]
        # The groups stay where the lottery has put them, each with its draws in their order.
        ordered = np.empty_like(draws)
        ordered[np.argsort(group[shuffled], kind="stable")] = draws
        result[number::num_ranks] = ordered
    return result


def rank_of_draw(
    group: np.ndarray, block: np.ndarray, num_ranks: int, key: np.ndarray
) -> np.ndarray:
    """Which rank gets which draw of a window, shape :math:`(n,)`; see `draw_at_position`.

    Each rank gets its share of every group, from as few blocks as possible.
    """
    rank = np.arange(len(group)) % num_ranks
    # Blocks in a keyed order, lest the first rank always gets a group's first ones.
    lottery = mix(key + block.astype(np.uint64))
    for number in np.unique(group):
        draws = np.flatnonzero(group == number)
        by_block = draws[np.argsort(lottery[draws], kind="stable")]
        rank[by_block] = np.sort(rank[draws])
    return rank
