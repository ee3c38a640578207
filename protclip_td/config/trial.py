"""Optimizer and schedule made over nothing, so that a wrong rate costs no loading of data."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from protclip_td.config.classes import find_class


def trial_problem(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a configuration's `optimizer` or `scheduler` says of its arguments.

    Parameters:
        values (dict): configuration whose keys, classes and types are right

    Returns:
        name of the block and what its class says, None when both take their arguments

    Example::

        >>> trial_problem({"optimizer": {"class": "Adam", "lr": -1.0}})
        ('optimizer', 'Adam: Invalid learning rate: -1.0')
    """
    made: dict[str, Any] = {"params": [nn.Parameter(torch.zeros(1, 1))]}
    for name, kind in (("optimizer", "optim"), ("scheduler", "scheduler")):
        block = values.get(name)
        if not block:
            return None
        cls = find_class(block["class"], kind)
        arguments = {key: value for key, value in block.items() if key != "class"}
        if name == "scheduler" and any(isinstance(value, list) for value in arguments.values()):
            return None  # a number for each group of parameters, which only the task knows
        try:
            made = {"optimizer": cls(**made, **arguments)}
        except ValueError as error:
            return name, f"{cls.__name__}: {error}"
    return None
