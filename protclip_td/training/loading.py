"""Batches of an epoch, from any batch on, whatever was drawn or loaded before.

TorchDrug's engine makes one loader for all epochs. A resumed run needs more: the batches already
seen are skipped by index, without loading them, and neither making the loader nor the items
themselves may touch the random numbers of the training.

Items that are made faster together, such as proteins or a graph's edges, come a batch at a time.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils import data as torch_data
from torchdrug import data
from torchdrug.utils import comm

from protclip_td.compat.sampling import shuffled_share, tell_epoch
from protclip_td.hooks import DataSetHooks, TaskHooks
from protclip_td.training.random_state import seed_cpu, unchanged_random_state

# The sampler adds the epoch to the seed: runs of seeds 0 and 1 would see the same orders, an epoch
# apart, and their results would not be independent.
_EPOCHS_APART = 2**20


class SeededBatches(torch_data.Dataset):
    """Batches of a data set whose items draw random numbers by (seed, epoch, index) alone.

    So an item is the same in any worker, in any number of workers and after a resume. Data sets
    that draw nothing are not affected. One that has `get_batch` gives a batch in one go.

    Parameters:
        dataset (Dataset): map-style data set
        seed (int): seed of the run
        epoch (int): current epoch

    Example::

        >>> SeededBatches([{"x": 1.0}, {"x": 2.0}, {"x": 3.0}], seed=0, epoch=0)[[2, 0]]
        {'x': tensor([3., 1.])}
    """

    def __init__(self, dataset: Any, seed: int, epoch: int) -> None:
        self.dataset = dataset
        self.seed = seed
        self.epoch = epoch

    def __getitem__(self, indices: Sequence[int]) -> Any:
        dataset, rows = _behind_subset(self.dataset, indices)
        with unchanged_random_state():
            if _gives_batches(type(dataset)):
                return dataset.get_batch(rows)
            return data.graph_collate([self._item(index) for index in indices])

    def _item(self, index: int) -> Any:
        name = f"{self.seed} {self.epoch} {index}".encode()
        seed_cpu(int.from_bytes(hashlib.blake2b(name, digest_size=4).digest(), "little"))
        return self.dataset[index]


def _gives_batches(cls: type) -> bool:
    """Whether a data set has `get_batch`, and no subclass of it changes the items alone."""
    for base in cls.__mro__:
        if "get_batch" in vars(base):
            return True
        if "__getitem__" in vars(base):
            return False
    return False


def _behind_subset(dataset: Any, indices: Sequence[int]) -> tuple[Any, Sequence[int]]:
    """The data set that a subset is of, if it changes no items, and their indices in there."""
    while _only_chooses(type(dataset)):
        indices = [dataset.indices[index] for index in indices]
        dataset = dataset.dataset
    return dataset, indices


def _only_chooses(cls: type) -> bool:
    """Whether a data set is a subset whose items and batches are those of the whole."""
    return (
        issubclass(cls, torch_data.Subset)
        and cls.__getitem__ is torch_data.Subset.__getitem__
        and not _gives_batches(cls)
    )


class BatchIndices:
    """Cuts a list of indices into batches, from batch `first` to the batch before `last`.

    Parameters:
        indices (sequence of int): indices of this rank, in their order
        batch_size (int): items per batch
        first (int): first batch to give
        last (int, optional): batch before which to end; by default all batches are given

    Example::

        >>> list(BatchIndices([3, 1, 2, 0, 4], 2, first=1))
        [[2, 0], [4]]
    """

    def __init__(
        self, indices: Sequence[int], batch_size: int, first: int = 0, last: int | None = None
    ) -> None:
        self.indices = indices
        self.batch_size = batch_size
        num_batch = count_batches(len(indices), batch_size)
        self.range = range(first, num_batch if last is None else min(last, num_batch))

    def __len__(self) -> int:
        return len(self.range)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.range:
            yield list(self.indices[batch * self.batch_size : (batch + 1) * self.batch_size])

    def sizes(self, first: int, number: int) -> list[int]:
        """Count the items in up to `number` batches of those given, without making them.

        Parameters:
            first (int): the first of them, where 0 is the first that is given
            number (int): so many, or those that are left

        Example::

            >>> BatchIndices([3, 1, 2, 0, 4], 2).sizes(1, 3)
            [2, 1]
        """
        starts = [batch * self.batch_size for batch in self.range[first : first + number]]
        return [min(self.batch_size, len(self.indices) - start) for start in starts]


def count_batches(num_item: int, batch_size: int) -> int:
    """Count the batches, the last and maybe smaller one included."""
    return -(-num_item // batch_size)


def batch_size_problem(task: Any, given: int) -> str | None:
    """Say what is wrong where a batch is smaller than a task can use (`min_batch_size`).

    Parameters:
        task (Task or type): before it is made its class, of which a property says nothing yet
        given (int): items in a batch of all processes
    """
    needed = getattr(task, "min_batch_size", TaskHooks.min_batch_size)
    if not isinstance(needed, int) or given >= needed:
        return None
    name = task.__name__ if isinstance(task, type) else type(task).__name__
    return f"{given} given; {name} needs at least {needed} in a batch"


def training_indices(dataset: DataSetHooks, seed: int, epoch: int) -> Sequence[int]:
    """Shuffle the data set for `epoch` and take this rank's share, as TorchDrug's engine does.

    A data set that says `is_shuffled` keeps its order, and no list of it is made.
    """
    rank, num_ranks = comm.get_rank(), comm.get_world_size()
    tell_epoch(dataset, epoch, num_ranks)
    share = shuffled_share(dataset, rank, num_ranks)
    if share is not None:
        return share
    indices: Any = range(len(dataset))  # not the data set, which the sampler would tell again
    sampler: Any = torch_data.DistributedSampler(
        indices, num_ranks, rank, seed=seed * _EPOCHS_APART
    )
    sampler.set_epoch(epoch)
    return list(sampler)


def evaluation_indices(dataset: Any) -> Sequence[int]:
    """Take this rank's share in order, each item on one rank only.

    `DistributedSampler` would repeat items to give every rank as many, which counts them twice.
    """
    return range(comm.get_rank(), len(dataset), comm.get_world_size())


def make_loader(
    dataset: SeededBatches, batches: BatchIndices, num_worker: int
) -> torch_data.DataLoader:
    """Make a loader of these batches.

    The loader seeds its workers from a generator of its own, not from the global one.
    """
    return torch_data.DataLoader(
        dataset,
        batch_size=None,  # the data set makes batches itself
        sampler=batches,
        num_workers=num_worker,
        collate_fn=_as_it_is,
        generator=torch.Generator(),
    )


def _as_it_is(batch: Any) -> Any:
    return batch
