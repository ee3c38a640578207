"""Which positions of an order that is shuffled already belong to which process."""

from collections.abc import Sequence
from typing import overload


class RankShare(Sequence[int]):
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

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self._position(place) for place in places]
        return self._position(places)

    def _position(self, place: int) -> int:
        return (self.rank + place * self.num_ranks) % self.total
