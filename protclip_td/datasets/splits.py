"""Rows of training, validation and test."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from torch.utils import data as torch_data

from protclip_td.errors import InputError

#: Ways to test on a graph, the default first: without what a published one leaks, or as published.
PROTOCOLS = ("clean", "published")


def split_by_name(names: Sequence[str]) -> dict[str, list[int]]:
    """Rows of each split, by a column that names it.

    Example::

        >>> split_by_name(["train", "test", "train"])
        {'train': [0, 2], 'test': [1]}
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    return rows


def split_by_key(
    keys: Sequence[str], fractions: Sequence[float], seed: int
) -> dict[str, list[int]]:
    """Draw train, valid and test so that rows with the same key stay together.

    The draw depends on the keys and the seed alone: not on the order of the rows, nor on any
    random number drawn before.

    Parameters:
        keys (list of str): what must not straddle, such as the sequence
        fractions (list of float): shares of the distinct keys for train, valid and test
        seed (int): another seed, another draw

    Returns:
        rows of each split, in their order in the table

    Raises:
        InputError: the fractions are not three positive numbers that add up to 1
    """
    if len(fractions) != 3 or min(fractions) <= 0 or not math.isclose(sum(fractions), 1):
        raise InputError(
            f"split_fractions: {list(fractions)} given; expected positive shares of train, valid "
            "and test that add up to 1"
        )
    order = sorted(set(keys), key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    first = round(len(order) * fractions[0])
    second = round(len(order) * (fractions[0] + fractions[1]))
    bounds = {"train": (0, first), "valid": (first, second), "test": (second, len(order))}
    split_of = {key: name for name, (start, end) in bounds.items() for key in order[start:end]}
    return split_by_name([split_of[key] for key in keys])


def consecutive_splits(dataset: Any, sizes: list[int]) -> list[torch_data.Subset]:
    """Subsets of a data set whose splits lie one behind the other.

    Example::

        >>> [list(subset.indices) for subset in consecutive_splits(["a", "b", "c"], [1, 2])]
        [[0], [1, 2]]
    """
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [torch_data.Subset(dataset, range(end - size, end)) for size, end in zip(sizes, ends)]
