"""Lets foreign code see PyTorch's own `nn.Module`, which TorchDrug replaces."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

# TorchDrug keeps PyTorch's own class under this name when it puts its subclass in its place.
_TorchModule = getattr(nn, "_Module", nn.Module)


@contextmanager
def torch_modules() -> Iterator[None]:
    """Put PyTorch's own `nn.Module` back for the time of the block.

    `import torchdrug` replaces `torch.nn.Module` by a subclass, so that `isinstance(x, nn.Module)`
    is false for every module whose class was made before, `nn.Linear` included. Foreign code that
    asks so, such as transformers' `from_pretrained`, has to run inside this block.

    Example::

        >>> with torch_modules():
        ...     model = EsmModel(config)
    """
    replaced = nn.Module
    nn.Module = _TorchModule  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        nn.Module = replaced  # type: ignore[misc, assignment]
