"""Refuses targets that TorchDrug's tasks cannot learn or measure, and would not say so.

Its metrics crash on a class that training has no example of, and where all numbers are missing
they are 0, a perfect error. It counts classes only if they are whole numbers, so classes stored as
1.0 become these.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import wraps
from reprlib import repr as short
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


def check_values(split: Any, name: str, are_classes: bool) -> None:
    """Make sure that a target has one number per item, and make classes whole numbers.

    Parameters:
        split (Subset): part of a data set; of one that keeps its targets otherwise nothing is known
        name (str): the target
        are_classes (bool): whether its numbers are those of classes

    Raises:
        InputError: several values, or a class that is negative or no whole number; names the item
    """
    column, indices = _column(split, name)
    for i in indices:
        value = column[i]
        if not _is_number(value):
            raise _unusable(split, i, name, "one number")
        if not are_classes or math.isnan(value):
            continue
        if value < 0 or not float(value).is_integer():
            raise _unusable(split, i, name, "the number of a class: 0, 1, …")
        if isinstance(value, float):
            column[i] = int(value)


def _is_number(value: Any) -> bool:
    """Whether TorchDrug can ask if it is missing."""
    try:
        math.isnan(value)
    except (TypeError, ValueError, RuntimeError):  # the last one is of tensors
        return False
    return True


def _unusable(split: Any, index: int, name: str, expected: str) -> InputError:
    value = short(_column(split, name)[0][index])
    return InputError(f"{_place(split.dataset, index)}: {name!r} is {value}; expected {expected}")


def _place(dataset: Any, index: int) -> str:
    """File and record of an item, where the data set knows them."""
    files, counts = getattr(dataset, "lmdb_files", ()), getattr(dataset, "num_samples", ())
    for path, count in zip(files, counts):
        if index < count:
            return f"{path}, record {index}"
        index -= count
    return f"{type(dataset).__name__}, item {index}"


def check_targets(task: Any, splits: Mapping[str, Any], is_told: bool = False) -> None:
    """Make sure that a task can learn and measure its data.

    Parameters:
        task (PropertyPrediction): task after `preprocess`
        splits (dict): training, validation and test set by name, training first
        is_told (bool, optional): whether `num_class` was given, so that training may lack some

    Raises:
        InputError: a class that the task does not know, or a split without a number to regress on
    """
    for i, name in enumerate(task.task):
        values = {split: _values(dataset, name) for split, dataset in splits.items()}
        if "mse" in task.criterion:
            _check_known(name, values)
        if "ce" in task.criterion:
            _check_classes(name, values, task.num_class[i], is_told)


def _check_known(name: str, values: Mapping[str, Sequence[Any]]) -> None:
    for split, found in values.items():
        if found and all(isinstance(value, float) and math.isnan(value) for value in found):
            raise InputError(
                f"{name!r}: all {len(found)} numbers of {split!r} are missing, so there is nothing "
                "to learn or to measure; change the split"
            )


def _check_classes(
    name: str, values: Mapping[str, Sequence[Any]], count: int, is_told: bool
) -> None:
    trained, *others = (
        [value for value in found if isinstance(value, int)] for found in values.values()
    )
    check_seen(
        repr(name),
        trained if trained and not is_told else range(count),
        dict(zip(list(values)[1:], others)),
        "change the split, or give the task as its `num_class` how many there are",
    )


def _values(split: Any, name: str) -> Sequence[Any]:
    """Targets of a split; none where they cannot be had without making its proteins."""
    column, indices = _column(split, name)
    return [column[i] for i in indices]


def _column(split: Any, name: str) -> tuple[Any, Sequence[int]]:
    """A target of all items, and the items that belong to a split; none as for `_values`."""
    targets = getattr(getattr(split, "dataset", None), "targets", None)
    columns = getattr(targets, "per_item", targets)  # TorchDrug's data sets have a plain dict
    if not hasattr(split, "indices") or not isinstance(columns, dict) or name not in columns:
        return [], []
    return columns[name], split.indices


def apply() -> None:
    """Let TorchDrug's tasks check."""
    for cls in (tasks.PropertyPrediction, tasks.InteractionPrediction):
        cls.preprocess = _checked(cls.preprocess)


def _checked(preprocess: Any) -> Any:
    @wraps(preprocess)
    def preprocess_and_check(self: Any, train_set: Any, valid_set: Any, test_set: Any) -> Any:
        is_told = self.num_class is not None
        splits = {"train": train_set, "valid": valid_set, "test": test_set}
        for name in self.task:
            for split in splits.values():
                check_values(split, name, "ce" in self.criterion)
        result = preprocess(self, train_set, valid_set, test_set)
        check_targets(self, splits, is_told)
        return result

    return preprocess_and_check
