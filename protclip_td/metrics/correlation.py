"""Rank correlation, as SciPy has it."""

from torch import Tensor

from protclip_td.compat.metrics import replaces_metric
from protclip_td.metrics.shapes import check_shapes
from protclip_td.metrics.ties import average_ranks, undefined


@replaces_metric("spearmanr")
def spearmanr(pred: Tensor, target: Tensor) -> Tensor:
    """Spearman's rank correlation.

    TorchDrug's own divides two rounding errors by each other when all predictions are equal, and
    can return any number then: 1.39 for a constant over 27,217 random targets. Here, as in SciPy,
    a constant correlates with nothing.

    Parameters:
        pred: (n,) predictions
        target: (n,) targets

    Returns:
        () in [-1, 1]; NaN where one side is constant, holds NaN, or has fewer than two values

    Raises:
        InputError: the shapes differ

    Example::

        >>> spearmanr(torch.tensor([0.1, 0.2, 0.2]), torch.tensor([1.0, 2.0, 3.0]))
        tensor(0.8660)
    """
    check_shapes("spearmanr", pred, target)
    if pred.isnan().any() or target.isnan().any():
        return undefined(pred)
    x, y = average_ranks(pred), average_ranks(target)
    x, y = x - x.mean(), y - y.mean()
    return ((x @ y) / (x @ x * (y @ y)).sqrt()).float()
