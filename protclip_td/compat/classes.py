"""Refuses classes that training has no example of, before TorchDrug's metrics crash on them."""

from collections.abc import Sequence
from functools import wraps
from typing import Any

from torch.utils.data import Subset
from torchdrug import tasks

from protclip_td.errors import InputError


def check_classes(task: Any, splits: dict[str, Any]) -> None:
    """Make sure that a classification task has an output for every class of its data.

    TorchDrug counts the classes in the training set, unless the task is told with `num_class`.

    Parameters:
        task (PropertyPrediction): task after `preprocess`
        splits (dict): validation and test set by name

    Raises:
        InputError: a class beyond those that the task knows
    """
    if "ce" not in task.criterion:
        return
    for name, count in zip(task.task, task.num_class):
        for split, dataset in splits.items():
            unseen = sorted({value for value in _values(dataset, name) if value >= count})
            if unseen:
                raise InputError(
                    f"{name!r}: classes {unseen} occur in the {split} set and never in training, "
                    f"so nothing can learn them ({count} classes are known). Change the split, or "
                    "give the task its `num_class`"
                )


def _values(dataset: Any, name: str) -> Sequence[int]:
    """Targets of a split without making its proteins; none where they cannot be had so."""
    targets = getattr(getattr(dataset, "dataset", None), "targets", None)
    if not isinstance(dataset, Subset) or not isinstance(targets, dict) or name not in targets:
        return ()
    column = targets[name]
    return [column[i] for i in dataset.indices if isinstance(column[i], int)]


def apply() -> None:
    """Let TorchDrug's tasks check; doing it twice changes nothing."""
    for cls in (tasks.PropertyPrediction, tasks.InteractionPrediction):
        if not getattr(cls.preprocess, "is_checked", False):
            cls.preprocess = _checked(cls.preprocess)


def _checked(preprocess: Any) -> Any:
    @wraps(preprocess)
    def preprocess_and_check(self: Any, train_set: Any, valid_set: Any, test_set: Any) -> Any:
        result = preprocess(self, train_set, valid_set, test_set)
        check_classes(self, {"validation": valid_set, "test": test_set})
        return result

    preprocess_and_check.is_checked = True  # type: ignore[attr-defined]
    return preprocess_and_check
