"""Which parameters are trained, and at which rate: groups by module, never by name."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import nn

from protclip_td.errors import InputError


def encoder_of(task: Any) -> nn.Module:
    """The part of a task that `lr_ratio` slows down and `fix_encoder` freezes.

    A downstream task puts its own head on the model, so there the whole model is the encoder.
    In pretraining all trained parts belong to the model: there it is the model's protein encoder.

    Parameters:
        task (nn.Module): task with all its parameters, so after `preprocess`

    Raises:
        InputError: the task has no `model`
    """
    model = getattr(task, "model", None)
    if model is None:
        name = type(task).__name__
        raise InputError(f"{name} has no `model`; leave out `lr_ratio` and `fix_encoder`")
    in_model = {id(parameter) for parameter in model.parameters()}
    has_head = any(id(parameter) not in in_model for parameter in task.parameters())
    return model if has_head else getattr(model, "protein_encoder", model)


def second_encoder_of(task: Any) -> nn.Module:
    """The part of a task on pairs that PEER's `fix_encoder2` freezes; it may be the first as well.

    Raises:
        InputError: the task has no `model2`
    """
    model = getattr(task, "model2", None)
    if model is None:
        raise InputError(f"{type(task).__name__} has no `model2`; leave out `fix_encoder2`")
    return model


def freeze(module: nn.Module) -> None:
    """Take a module out of training for good: its parameters, its dropout, its running means."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    module.eval()
    # Engines put the whole task in training mode at the start of an epoch.
    module.train = partial(_stay_as_it_is, module)  # type: ignore[method-assign, assignment]


def fixed_names(task: nn.Module) -> list[str]:
    """Names of the parameters that are not trained."""
    # One that is used twice has two names in a checkpoint.
    named = task.named_parameters(remove_duplicate=False)
    return [name for name, parameter in named if not parameter.requires_grad]


def _stay_as_it_is(module: nn.Module, mode: bool = True) -> nn.Module:
    return module


def parameter_groups(
    task: Any, lr: float | None = None, lr_ratio: float | None = None
) -> list[dict[str, Any]]:
    """Parameters for an optimizer: those of the encoder at a rate of their own, and the rest.

    Parameters:
        task (nn.Module): task with all its parameters, so after `preprocess`
        lr (float, optional): learning rate of the new parts
        lr_ratio (float, optional): encoder's rate as a share of `lr` (released: 0.1); without
            it there is one group

    Returns:
        list of dict: groups without those parameters that need no gradient

    Raises:
        InputError: nothing is left to train

    Example::

        >>> [group["lr"] for group in parameter_groups(task, lr=1e-4, lr_ratio=0.1)]
        [1e-05, 0.0001]
    """
    groups: list[dict[str, Any]]
    if lr_ratio is None or lr is None:
        groups = [{"params": _trained(task.parameters())}]
    else:
        of_encoder = _trained(encoder_of(task).parameters())
        known = {id(parameter) for parameter in of_encoder}
        rest = [p for p in _trained(task.parameters()) if id(p) not in known]
        groups = [{"params": of_encoder, "lr": lr * lr_ratio}, {"params": rest, "lr": lr}]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise InputError(
            f"{type(task).__name__} has nothing to train: all parameters are fixed. Set "
            "`fix_encoder: false`, or `train: {num_epoch: 0}` to evaluate only"
        )
    return groups


def _trained(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if parameter.requires_grad]
