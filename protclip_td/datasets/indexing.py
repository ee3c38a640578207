"""Several items of a data set, and single items of one that makes a whole batch at a time."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from torch import Tensor


def only_item(batch: Mapping[str, Tensor]) -> dict[str, Any]:
    """The item of a batch of one: plain numbers, and tensors where an item has several.

    Example::

        >>> only_item({"head": torch.tensor([3]), "negatives": torch.tensor([[5, 7]])})
        {'head': 3, 'negatives': tensor([5, 7])}
    """
    return {name: rows[0] if rows.ndim > 1 else int(rows) for name, rows in batch.items()}


def takes_slices(get_item: Callable[[Any, int], Any]) -> Callable[[Any, Any], Any]:
    """Let `__getitem__` take a slice or a list of indices, too, as that of TorchDrug's data sets.

    Example::

        >>> class Squares(list):
        ...     __getitem__ = takes_slices(lambda self, index: index**2)
        >>> Squares(range(9))[2:4], Squares()[[5, 1]], Squares()[3]
        ([4, 9], [25, 1], 9)
    """

    @wraps(get_item)
    def get(self: Any, index: Any) -> Any:
        if isinstance(index, slice):
            index = range(len(self))[index]
        if isinstance(index, Sequence):
            return [get_item(self, each) for each in index]
        return get_item(self, index)

    return get
