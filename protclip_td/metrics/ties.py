"""Ranks and ties: what the metrics of this package share."""

import torch
from torch import Tensor


def average_ranks(values: Tensor) -> Tensor:
    """Rank from 1, equal values sharing the mean of their ranks.

    Parameters:
        values: (n,) without NaN

    Returns:
        (n,) ranks, float64

    Example::

        >>> average_ranks(torch.tensor([0.3, 0.1, 0.3]))
        tensor([2.5000, 1.0000, 2.5000], dtype=torch.float64)
    """
    _, group, count = torch.unique(values, return_inverse=True, return_counts=True)
    last = count.cumsum(0)
    return (last.double() - (count.double() - 1) / 2)[group]


def is_last_of_ties(ordered: Tensor) -> Tensor:
    """Where each run of equal values ends.

    Only there a threshold can lie: what is predicted equally is predicted or not together.

    Parameters:
        ordered: (n,) sorted values

    Returns:
        (n,) bool

    Example::

        >>> is_last_of_ties(torch.tensor([0.9, 0.5, 0.5]))
        tensor([ True, False,  True])
    """
    last = torch.ones_like(ordered, dtype=torch.bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return last


def undefined(like: Tensor) -> Tensor:
    """NaN, as a metric that these predictions do not have."""
    return torch.tensor(torch.nan, device=like.device)
