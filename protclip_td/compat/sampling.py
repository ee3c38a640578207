"""Lets PyTorch's sampler, which TorchDrug's engine makes, serve data sets that draw by epoch."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data.distributed import DistributedSampler

from protclip_td.data.sampling.rank_share import RankShare
from protclip_td.hooks import DataSetHooks, behind_split


def tell_epoch(dataset: DataSetHooks, epoch: int, num_ranks: int) -> None:
    """Tell a data set that is drawn anew each epoch which one begins; others need not know.

    Of a part of such a data set that data set is told: the part has the same places of each draw.

    Parameters:
        dataset (Dataset): one whose order is for a number of ranks says `is_shuffled`
        epoch (int): current epoch
        num_ranks (int): number of processes
    """
    drawn = behind_split(dataset, "set_epoch")
    if getattr(drawn, "is_shuffled", DataSetHooks.is_shuffled):
        # A part is shuffled once more, and its items must not depend on the number of ranks.
        drawn.set_epoch(epoch, num_ranks if drawn is dataset else 1)
    elif hasattr(drawn, "set_epoch"):
        drawn.set_epoch(epoch)


def shuffled_share(dataset: DataSetHooks, rank: int, num_ranks: int) -> RankShare | None:
    """One rank's items of a data set that is shuffled already; none of any other data set."""
    if getattr(dataset, "is_shuffled", DataSetHooks.is_shuffled):
        return RankShare(len(dataset), rank, num_ranks)
    return None


def apply() -> None:
    """Let `DistributedSampler` use both.

    TorchDrug's engine makes this sampler by itself. A data set has no other way to know the epoch;
    and a draw that was arranged so that neighbours can be read together would, shuffled once more,
    be read one here, one there.
    """
    set_epoch, iterate = DistributedSampler.set_epoch, DistributedSampler.__iter__

    def set_epoch_everywhere(self: Any, epoch: int) -> None:
        set_epoch(self, epoch)
        tell_epoch(self.dataset, epoch, self.num_replicas)

    def iterate_in_order(self: Any) -> Iterator[int]:
        share = shuffled_share(self.dataset, self.rank, self.num_replicas)
        return iterate(self) if share is None else iter(share)

    DistributedSampler.set_epoch = set_epoch_everywhere  # type: ignore[method-assign]
    DistributedSampler.__iter__ = iterate_in_order  # type: ignore[method-assign, assignment]
