"""Tensors by name: which of a file do not fit a module, loading them, and their digest."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from protclip_td.errors import InputError

# More lines than these tell nothing new.
_MOST_SHOWN = 30


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load all weights of a module; tensors it does not know are left out.

    Parameters:
        module (nn.Module): what to load into
        tensors (dict): tensors by the module's own names
        source (str): the file, for the message

    Raises:
        InputError: a tensor is missing or has another shape
    """
    own = module.state_dict()
    refuse(misfits(shapes(own), shapes(tensors)), source)
    module.load_state_dict({name: tensors[name] for name in own})


def shapes(state: Mapping[str, Any]) -> dict[str, tuple[int, ...] | None]:
    """The shapes of tensors by name; None for other values that a module may keep."""
    return {
        name: tuple(value.shape) if isinstance(value, Tensor) else None
        for name, value in state.items()
    }


def misfits(own: Mapping[str, tuple | None], given: Mapping[str, tuple | None]) -> list[str]:
    """Tensors of a model that are given in another shape or not at all, a line each.

    Example::

        >>> misfits({"weight": (4, 2), "bias": (4,)}, {"weight": (3, 2)})
        ['weight: (3, 2) in the file, (4, 2) in the model', 'bias: missing']
    """
    lines = [
        f"{name}: {given[name]} in the file, {shape} in the model"
        for name, shape in own.items()
        if name in given and given[name] != shape
    ]
    return lines + [f"{name}: missing" for name in own if name not in given]


def add_to_digest(digest: Any, tensors: Mapping[str, Tensor]) -> None:
    """Let a digest of `hashlib` take up names, types, shapes and every bit of some tensors."""
    for name, tensor in sorted(tensors.items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
        digest.update(plain.flatten().view(torch.uint8).numpy())


def refuse(misfits: Sequence[str], source: str, advice: str = "") -> None:
    """Raise an `InputError` that lists what does not fit, if anything does not.

    Parameters:
        misfits (sequence of str): a line each; the first of them are shown
        source (str): the file
        advice (str, optional): what to do
    """
    if not misfits:
        return
    lines = list(misfits[:_MOST_SHOWN])
    if len(misfits) > _MOST_SHOWN:
        lines.append(f"… and {len(misfits) - _MOST_SHOWN} more")
    begin = f"the weights in {source} do not fit" + (f"; {advice}" if advice else "")
    raise InputError("\n  ".join([f"{begin}:", *lines]))
