"""The machine's own matrix-multiply rate, the yardstick of the benchmarks."""

import time

import torch
from torch import Tensor

# Large enough to keep the machine busy, small enough to be over in a tenth of a second.
_SIZES = (1024, 2048)
_OPERATIONS = 2 * 2048**3


class MatmulRate:
    """Measures how fast square matrices are multiplied here and now.

    A shared machine's speed drifts by the second, so it is asked again around every step.

    Parameters:
        dtype (torch.dtype, optional): type of the matrices
    """

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self._pairs = [(_matrix(size, dtype), _matrix(size, dtype)) for size in _SIZES]
        self()  # the first products also set up threads and libraries

    def __call__(self) -> float:
        """The best rate over the sizes, in operations per second."""
        return max(_rate(left, right) for left, right in self._pairs)


def _matrix(size: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(size)
    return torch.randn(size, size, generator=generator).to(dtype)


def _rate(left: Tensor, right: Tensor) -> float:
    operations = 2 * len(left) ** 3
    repeats = max(1, _OPERATIONS // operations)
    start = time.perf_counter()
    for _ in range(repeats):
        left @ right
    return repeats * operations / (time.perf_counter() - start)
