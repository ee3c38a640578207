"""Which evaluation was the best, and how many have passed since."""

import math
from collections.abc import Mapping
from typing import Any

from protclip_td.compat.metrics import metric_name
from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean

# Metrics of which less is more, beside losses; TorchDrug spells some of them out.
_LOWER_IS_BETTER = ("loss", "rank", "perplexity", "rmse", "mae", "mse", "error", "entropy")


def lower_is_better(name: str) -> bool:
    """Tell from its name whether a metric is one to bring down.

    Example::

        >>> lower_is_better("mlm loss"), lower_is_better("protein-to-text R@1")
        (True, False)
    """
    return any(word in _LOWER_IS_BETTER for word in name.lower().replace("_", " ").split())


def pick_metric(metrics: dict[str, float], name: str | None) -> tuple[str, float] | None:
    """Find the metric that decides which checkpoint is the best.

    Parameters:
        metrics (dict): metrics of one evaluation
        name (str, optional): the metric, as `find_metric` takes it. Without a name, ``loss``
            decides if there is one.

    Returns:
        (str, float) or None: name and value

    Raises:
        InputError: no metric is called so
    """
    if name is None:
        return ("loss", metrics["loss"]) if "loss" in metrics else None
    value = find_metric(metrics, name)
    if value is not None:
        return name, value
    hint = did_you_mean(name, metrics) or f"; expected one of {', '.join(metrics)}"
    raise InputError(f"eval_metric: {name!r} is not among the metrics of the validation{hint}")


def find_metric(metrics: Mapping[str, float], name: str) -> float | None:
    """The value of a metric, or None if no metric is called so.

    Parameters:
        metrics (dict): metrics of one evaluation
        name (str): the metric, or the first words of its name: TorchDrug appends the target, as in
            ``spearmanr [scaled_effect1]``. The mean counts where several begin so. TorchDrug's
            short names (``acc``, ``rmse``) stand for the long ones that it reports.
    """
    if name in metrics:
        return metrics[name]
    beginnings = (f"{name} ", f"{metric_name(name)} ")
    values = [value for key, value in metrics.items() if f"{key} ".startswith(beginnings)]
    return sum(values) / len(values) if values else None


class BestMetric:
    """Keeps the best value of a metric and counts the evaluations without a better one.

    Parameters:
        patience (int, optional): evaluations without a better one after which to stop early
    """

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.value: float | None = None
        self.epoch: int | None = None
        self.num_worse = 0

    def update(self, name: str, value: float, epoch: int) -> bool:
        """Take in an evaluation and tell whether it is the best so far.

        NaN, such as the rank correlation of constant predictions, gives way to any number; it is
        the best only while there is nothing else, so that there is always a best checkpoint.
        """
        sign = -1 if lower_is_better(name) else 1
        if self.value is None or _beats(sign * value, sign * self.value):
            self.value, self.epoch, self.num_worse = value, epoch, 0
            return True
        self.num_worse += 1
        return False

    @property
    def is_exhausted(self) -> bool:
        """Whether it is time to stop early."""
        return self.patience is not None and self.num_worse >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return the plain state for a checkpoint."""
        return {"value": self.value, "epoch": self.epoch, "num_worse": self.num_worse}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a checkpoint."""
        self.value, self.epoch = state["value"], state["epoch"]
        self.num_worse = state["num_worse"]


def _beats(value: float, best: float) -> bool:
    return value > best or (math.isnan(best) and not math.isnan(value))
