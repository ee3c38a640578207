"""What one process knows, all processes know: they must stop, fail and save together."""

from typing import Any

import torch
from torch import distributed as dist
from torchdrug.utils import comm


def any_rank(*flags: bool) -> tuple[bool, ...]:
    """Tell for each flag whether it is set on any rank.

    Parameters:
        flags (bool): this rank's flags, as many and in the same order on every rank

    Returns:
        tuple of bool: the same on every rank

    Example::

        >>> any_rank(True, False)  # in one process
        (True, False)
    """
    if comm.get_world_size() == 1:
        return flags
    joined = torch.tensor(flags, dtype=torch.int32)
    dist.all_reduce(joined, op=dist.ReduceOp.MAX, group=comm.get_group(joined.device))
    return tuple(bool(flag) for flag in joined.tolist())


def from_all_ranks(value: Any) -> list[Any]:
    """Collect one small picklable value from each rank, in the order of ranks."""
    if comm.get_world_size() == 1:
        return [value]
    values: list[Any] = [None] * comm.get_world_size()
    dist.all_gather_object(values, value, group=comm.get_group(torch.device("cpu")))
    return values
