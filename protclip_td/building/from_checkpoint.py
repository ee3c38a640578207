"""Weights from an earlier run into a new task."""

import logging
from pathlib import Path

from torch import nn

from protclip_td.errors import InputError
from protclip_td.models.tensors import misfits, refuse, shapes
from protclip_td.training.checkpointing import load_checkpoint
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)


def load_weights(task: nn.Module, path: str | Path) -> None:
    """Load a checkpoint's weights into a task; parts that only one of them has are left alone.

    Pretraining and downstream tasks both hold their encoder as `model`, so that the encoder of the
    one becomes the encoder of the other, and only the new head keeps its random weights.

    Parameters:
        task (nn.Module): task to fill
        path (str): file saved by an engine, ours or TorchDrug's

    Raises:
        InputError: the file is missing or damaged, fits nothing, or has tensors of other sizes
    """
    weights = load_checkpoint(path)["model"]
    own = task.state_dict()
    shared = [name for name in weights if name in own]
    if not shared:
        raise InputError(
            f"{path} fits nothing in {type(task).__name__}: it holds {first_few(weights)}, "
            f"and the task has {first_few(own)}"
        )
    refuse(
        misfits(shapes({name: own[name] for name in shared}), shapes(weights)),
        str(path),
        "give `task.model` the sizes they were trained with, or leave `checkpoint` out",
    )
    task.load_state_dict({name: weights[name] for name in shared}, strict=False)
    logger.info("%d of %d tensors taken from %s", len(shared), len(own), path)
