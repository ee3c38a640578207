"""Weights from an earlier run into a new task."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

from protclip_td.errors import InputError

logger = logging.getLogger(__name__)


def load_weights(task: nn.Module, path: str | Path) -> None:
    """Load a checkpoint's weights into a task; parts that only one of them has are left alone.

    Pretraining and downstream tasks both hold their encoder as `model`, so that the encoder of the
    one becomes the encoder of the other, and only the new head keeps its random weights.

    Parameters:
        task (nn.Module): task to fill
        path (str): file saved by an engine, ours or TorchDrug's: ``{"model": …, …}``

    Raises:
        InputError: the file is missing, damaged, holds no task, or other sizes
    """
    weights = read_weights(path)
    own = task.state_dict()
    shared = [name for name in weights if name in own]
    if not shared:
        raise InputError(
            f"{path} fits nothing in {type(task).__name__}: it holds {_some(weights)}, "
            f"and the task has {_some(own)}"
        )
    differing = [
        f"  {name}: {tuple(weights[name].shape)} in the file, {tuple(own[name].shape)} here"
        for name in shared
        if weights[name].shape != own[name].shape
    ]
    if differing:
        raise InputError("\n".join([f"{path} has tensors of other sizes:", *differing]))
    task.load_state_dict({name: weights[name] for name in shared}, strict=False)
    logger.info("%d of %d tensors taken from %s", len(shared), len(own), path)


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """The weights in an engine's checkpoint file, on the CPU.

    Raises:
        InputError: the file is missing, damaged, or no engine's checkpoint
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputError(f"checkpoint: there is no file or ProtCLIP folder {path}")
    try:
        state: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no common error for damaged files
        raise InputError(f"checkpoint: {path} is damaged or no PyTorch file ({error})") from error
    model = state.get("model") if isinstance(state, dict) else None
    if not isinstance(model, dict):
        raise InputError(f"checkpoint: {path} is not an engine's: it has no `model`")
    return {name: value for name, value in model.items() if isinstance(value, torch.Tensor)}


def _some(names: Any) -> str:
    words = list(names)
    return ", ".join(words[:3]) + (", …" if len(words) > 3 else "")
