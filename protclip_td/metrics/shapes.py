"""Checks of what a metric is of."""

from torch import Tensor

from protclip_td.errors import InputError


def check_shapes(metric: str, pred: Tensor, target: Tensor) -> None:
    """Make sure that there is a prediction for each target.

    Raises:
        InputError: the shapes differ
    """
    if pred.shape != target.shape:
        raise InputError(
            f"{metric} needs a prediction per target, not {tuple(pred.shape)} predictions and "
            f"{tuple(target.shape)} targets"
        )
