"""The packed layout: rows of all proteins one after another, and its padded twin.

TorchDrug packs proteins without padding: (N, …) with N = Σ sizes, and `sizes` (B,) says how many
rows each has. The losses take packed tensors, so that padding cannot leak into them; inside, where
one matrix product per protein is wanted, the rows are laid out as (B, longest, …) with a mask.
"""

import torch
from torch import Tensor


def owners(sizes: Tensor) -> Tensor:
    """Which protein each packed row belongs to.

    Parameters:
        sizes: (B,) rows per protein

    Returns:
        (N,) indices from 0 to B − 1

    Example::

        >>> owners(torch.tensor([2, 0, 3]))
        tensor([0, 0, 2, 2, 2])
    """
    return torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes)


def slots(owner: Tensor, num_owner: int) -> Tensor:
    """Place of each row among the rows of the same owner.

    Parameters:
        owner: (N,) owner of each row, in any order
        num_owner: B

    Returns:
        (N,) places from 0

    Example::

        >>> slots(torch.tensor([0, 0, 1, 0]), 2)
        tensor([0, 1, 0, 2])
    """
    counts = owner.bincount(minlength=num_owner)
    starts = counts.cumsum(0) - counts
    order = owner.argsort(stable=True)
    ordinal = torch.arange(len(owner), device=owner.device)
    return torch.empty_like(owner).scatter_(0, order, ordinal - starts[owner[order]])


def to_padded(rows: Tensor, owner: Tensor, num_owner: int) -> tuple[Tensor, Tensor]:
    """Lay packed rows out as one block per owner, zeros behind.

    Parameters:
        rows: (N, d)
        owner: (N,) owner of each row, in any order
        num_owner: B

    Returns:
        the blocks (B, W, d), where W is the largest number of rows an owner has, and which of
        their rows are real, (B, W)
    """
    slot = slots(owner, num_owner)
    width = int(slot.max()) + 1 if len(slot) else 0
    padded = rows.new_zeros(num_owner, width, rows.shape[-1]).index_put((owner, slot), rows)
    real = torch.zeros(num_owner, width, dtype=torch.bool, device=rows.device)
    real[owner, slot] = True
    return padded, real
