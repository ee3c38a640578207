"""Mixed precision, loss scaling and gradient clipping in one place."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import optim
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from protclip_td.checks import check_choice

_TYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Runs forward passes in the chosen precision and takes optimizer steps that fit it.

    Parameters:
        name (str): ``fp32``, ``bf16`` (autocast) or ``fp16`` (autocast with loss scaling)
        device (torch.device): where the model lies

    Raises:
        InputError: for any other name
    """

    def __init__(self, name: str, device: torch.device) -> None:
        check_choice("engine: precision", name, _TYPES)
        self.name = name
        self.dtype = _TYPES[name]
        self.device_type = device.type
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def autocast(self) -> AbstractContextManager:
        """Enter the precision for a forward pass."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device_type, dtype=self.dtype)

    def backward(self, loss: torch.Tensor) -> None:
        """Compute gradients, scaled where the precision needs it."""
        self.scaler.scale(loss).backward()

    def clip(self, optimizer: optim.Optimizer, max_norm: float | None) -> float:
        """Unscale the gradients and clip them to `max_norm`, if there is one.

        Returns:
            float: norm of all gradients before clipping
        """
        self.scaler.unscale_(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = get_total_norm(gradients)
        if max_norm is not None:
            clip_grads_with_norm_(parameters, max_norm, norm)
        return norm.item()

    def accepts(self, norm: float) -> bool:
        """Tell whether a step may be taken with gradients of this norm.

        With loss scaling any may: it leaves out the steps whose gradients overflow.
        """
        return self.scaler.is_enabled() or math.isfinite(norm)

    def step(self, optimizer: optim.Optimizer) -> bool:
        """Take the optimizer step.

        Returns:
            bool: False if the step was left out because scaled fp16 gradients overflowed
        """
        scale = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        return self.scaler.get_scale() >= scale

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the loss scaling (empty but for fp16)."""
        return self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of the loss scaling, where both sides have one."""
        if state and self.scaler.is_enabled():
            self.scaler.load_state_dict(state)


def to_float32(value: Any) -> Any:
    """Cast the half-precision tensors in any nested container, so that metrics are exact."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    if isinstance(value, dict):
        return {key: to_float32(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_float32(item) for item in value)
    return value
