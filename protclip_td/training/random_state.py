"""The state of all random number generators, as plain types that a checkpoint may hold."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_CPU = torch.device("cpu")


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices) alike."""
    seed_cpu(seed)
    torch.manual_seed(seed)  # GPUs as well


def get_random_state(device: torch.device = _CPU) -> dict[str, Any]:
    """Read the generators of Python, NumPy, PyTorch and, on a GPU, of `device`.

    Returns:
        dict: numbers, lists and tensors only, so that `torch.load` reads it with
        `weights_only=True`
    """
    keys: Any
    _, keys, position, has_normal, normal = np.random.get_state(legacy=True)
    version, words, python_normal = random.getstate()
    return {
        "python": [version, list(words), python_normal],
        "numpy": [torch.from_numpy(keys.astype(np.int64)), position, has_normal, normal],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def set_random_state(state: dict[str, Any], device: torch.device = _CPU) -> None:
    """Put back what `get_random_state` has read."""
    version, words, python_normal = state["python"]
    random.setstate((version, tuple(words), python_normal))
    keys, position, has_normal, normal = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), position, has_normal, normal))
    torch.set_rng_state(state["torch"].cpu())
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)


def seed_cpu(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch's CPU."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # Not torch.manual_seed, which would seed the GPUs as well.
    torch.default_generator.manual_seed(seed)


@contextmanager
def unchanged_random_state(device: torch.device = _CPU) -> Iterator[None]:
    """Put all generators back after the block, whatever is drawn or seeded inside."""
    before = get_random_state(device)
    try:
        yield
    finally:
        set_random_state(before, device)


@contextmanager
def fixed_random_state(seed: int, device: torch.device = _CPU) -> Iterator[None]:
    """Seed all generators for the time of the block and put them back afterwards.

    Example::

        >>> with fixed_random_state(7):
        ...     masks = torch.rand(3)  # the same every time, and nobody outside notices
    """
    with unchanged_random_state(device):
        seed_cpu(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
