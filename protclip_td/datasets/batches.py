"""Data sets that make a whole batch at a time, and single items of it."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def only_item(batch: Mapping[str, Tensor]) -> dict[str, Any]:
    """The item of a batch of one: plain numbers, and tensors where an item has several.

    Example::

        >>> only_item({"head": torch.tensor([3]), "negatives": torch.tensor([[5, 7]])})
        {'head': 3, 'negatives': tensor([5, 7])}
    """
    return {name: rows[0] if rows.ndim > 1 else int(rows) for name, rows in batch.items()}
