"""Refuses classes that training has no example of, before TorchDrug's metrics crash on them."""

from collections.abc import Collection, Mapping, Sequence
from functools import wraps
from typing import Any

from torchdrug import tasks

from protclip_td.errors import InputError
from protclip_td.wording import first_few


def check_seen(
    target: str, known: Collection[Any], others: Mapping[str, Collection[Any]], advice: str
) -> None:
    """Make sure that training knows every class of the other splits.

    TorchDrug counts the classes in training; of one beyond them its metrics would crash, and one
    that is missing in between would silently count as wrong.

    Parameters:
        target (str): what has the classes, for the message
        known (collection): classes of the training set
        others (dict): classes of other splits by name
        advice (str): what to do

    Raises:
        InputError: a class that training does not know
    """
    for split, classes in others.items():
        if unseen := sorted(set(classes) - set(known)):
            shown = first_few(map(repr, unseen))
            raise InputError(
                f"{target}: classes [{shown}] occur in {split!r} and never in training, so "
                f"nothing can learn them; {advice}"
            )


def check_classes(
    task: Any, train_set: Any, others: Mapping[str, Any], is_told: bool = False
) -> None:
    """Make sure that a classification task knows every class of its data.

    Parameters:
        task (PropertyPrediction): task after `preprocess`
        train_set (Dataset): its training set
        others (dict): validation and test set by name
        is_told (bool, optional): whether `num_class` was given, so that training may lack some

    Raises:
        InputError: a class that the task does not know
    """
    if "ce" not in task.criterion:
        return
    for name, count in zip(task.task, task.num_class):
        trained = () if is_told else _values(train_set, name)
        check_seen(
            repr(name),
            trained or range(count),
            {split: _values(dataset, name) for split, dataset in others.items()},
            "change the split, or give the task as its `num_class` how many there are",
        )


def _values(dataset: Any, name: str) -> Sequence[int]:
    """Targets of a split without making its proteins; none where they cannot be had so."""
    targets = getattr(getattr(dataset, "dataset", None), "targets", None)
    if not hasattr(dataset, "indices") or not isinstance(targets, dict) or name not in targets:
        return ()
    column = targets[name]
    return [column[i] for i in dataset.indices if isinstance(column[i], int)]


def apply() -> None:
    """Let TorchDrug's tasks check."""
    for cls in (tasks.PropertyPrediction, tasks.InteractionPrediction):
        cls.preprocess = _checked(cls.preprocess)


def _checked(preprocess: Any) -> Any:
    @wraps(preprocess)
    def preprocess_and_check(self: Any, train_set: Any, valid_set: Any, test_set: Any) -> Any:
        is_told = self.num_class is not None
        result = preprocess(self, train_set, valid_set, test_set)
        check_classes(self, train_set, {"valid": valid_set, "test": test_set}, is_told)
        return result

    return preprocess_and_check
