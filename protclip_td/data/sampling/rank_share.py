"""Which positions of an order that is shuffled already belong to which process."""

import numpy as np

from protclip_td.data.sampling.lazy_indices import LazyIndices


class RankShare(LazyIndices):
    """Positions `rank`, `rank + num_ranks` and so on, without a list of them.

    All ranks together take the positions one after another. Every rank has as many: where positions
    are missing at the end, those from the beginning are taken again, as PyTorch's
    `DistributedSampler` does.

    Parameters:
        total (int): number of positions
        rank (int): this process, from 0
        num_ranks (int): number of processes

    Example::

        >>> list(RankShare(5, rank=1, num_ranks=2))
        [1, 3, 0]
    """

    def __init__(self, total: int, rank: int, num_ranks: int) -> None:
        self.total, self.rank, self.num_ranks = total, rank, num_ranks

    def __len__(self) -> int:
        return -(-self.total // self.num_ranks)

    def at(self, positions: np.ndarray) -> np.ndarray:
        """The positions in the order of all ranks, shape :math:`(n,)`."""
        return (self.rank + positions * self.num_ranks) % self.total
