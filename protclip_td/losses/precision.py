"""Losses are computed in float32, whatever precision the encoders ran in.

A similarity times e^s = 100 keeps two digits in bfloat16, and min–max divides by a difference of
close numbers. Beside the encoders the losses cost nothing, so they need not be fast in half
precision, only right.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor

Arguments = ParamSpec("Arguments")


def in_float32(function: Callable[Arguments, Tensor]) -> Callable[Arguments, Tensor]:
    """Run a function of tensors in float32 and out of autocast.

    Parameters:
        function: takes at least one tensor and returns one

    Returns:
        the same function; floating-point tensors among its arguments are cast to float32 first
    """

    @wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Tensor:
        given = (*args, *kwargs.values())
        device = next(value.device for value in given if isinstance(value, Tensor))
        with torch.autocast(device.type, enabled=False):
            values = [_to_float32(value) for value in args]
            named = {name: _to_float32(value) for name, value in kwargs.items()}
            return function(*values, **named)  # type: ignore[arg-type]

    return wrapper


def _to_float32(value: Any) -> Any:
    is_floating = isinstance(value, Tensor) and value.is_floating_point()
    return value.float() if is_floating else value
