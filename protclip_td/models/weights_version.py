"""Whether a model still has the weights that something was computed with."""

from collections.abc import Callable
from typing import Generic, TypeVar

from torch import Tensor, nn

T = TypeVar("T")
#: Place in memory and number of changes of each parameter.
Version = list[tuple[int, int]]


def weights_version(*models: nn.Module) -> Version:
    """What changes with a change of a parameter, wherever it comes from, and costs next to nothing.

    PyTorch does not count what is written through ``.data`` or NumPy, nor steps of fused
    optimizers.

    Buffers do not count: those of both encoders are constants, and `DistributedDataParallel` writes
    them anew in each step.

    Example::

        >>> model = nn.Linear(2, 2)
        >>> before = weights_version(model)
        >>> _ = model.load_state_dict(nn.Linear(2, 2).state_dict())
        >>> weights_version(model) == before
        False
    """
    parameters = (
        parameter
        for model in models
        for module in model.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
    return [tensor_version(parameter) for parameter in parameters]


def tensor_version(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor is, and how often it was changed."""
    # Tensors made in inference mode do not count their changes.
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version


class KeptValue(Generic[T]):
    """A value that is computed at its first use, and again once the weights are others.

    Example::

        >>> model, kept = nn.Linear(2, 2), KeptValue()
        >>> kept.get([model], lambda: "computed")
        'computed'
        >>> kept.get([model], lambda: "computed again")
        'computed'
    """

    def __init__(self) -> None:
        self._value: T | None = None
        self._version: Version | None = None

    def __reduce__(self) -> tuple[type["KeptValue"], tuple]:
        """Copied and saved empty: the value can be computed again."""
        return KeptValue, ()

    def get(self, models: list[nn.Module], compute: Callable[[], T]) -> T:
        """The value for the weights that the models have now."""
        if self._value is None or weights_version(*models) != self._version:
            self._value = compute()
            self._version = weights_version(*models)  # computing may have moved them to a GPU
        return self._value
