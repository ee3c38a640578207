"""The prediction targets of a table, in the shapes TorchDrug's tasks take them in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from protclip_td.checks import check_choice
from protclip_td.data.reading.table import Table
from protclip_td.datasets import columns
from protclip_td.errors import InputError

TARGET_TYPES = ("number", "class", "labels", "residue_class")
# These two fill a tensor of their own per item, so there can be one of them.
_SINGLE_COLUMN = ("labels", "residue_class")


@dataclass
class Targets:
    """Targets row by row.

    Parameters:
        tasks (list of str): names of the things to predict: target columns, or labels
        classes (dict): names of the classes of each target column, by number
        per_item (dict): by item key, one value per row
        per_residue (dict): by residue attribute (``target``, ``mask``), one tensor per row
        label_names (list of str): names of the labels, or of the classes of an only target
    """

    tasks: list[str]
    classes: dict[str, list[str]] = field(default_factory=dict)
    per_item: dict[str, Sequence[Any]] = field(default_factory=dict)
    per_residue: dict[str, list[Tensor]] = field(default_factory=dict)
    label_names: list[str] | None = None

    def classes_of(self, task: str, rows: Sequence[int]) -> set[int]:
        """Numbers of the classes that occur in some rows."""
        if task in self.per_item:
            values = (self.per_item[task][row] for row in rows)
            return {value for value in values if not math.isnan(value)}
        target, mask = self.per_residue["target"], self.per_residue["mask"]
        return {number for row in rows for number in target[row][mask[row]].tolist()}

    def labels_of(self, rows: Sequence[int]) -> set[int]:
        """Numbers of the labels that occur in some rows."""
        present = torch.stack([self.per_item["targets"][row] for row in rows])
        return set(present.any(0).nonzero().flatten().tolist())


def read_targets(
    table: Table, names: list[str], target_type: str, sequences: Sequence[tuple[str, ...]]
) -> Targets:
    """Read target columns of a table.

    Parameters:
        table (Table): the table
        names (list of str): target columns
        target_type (str): ``number``, ``class``, ``labels`` or ``residue_class``
        sequences (list of tuple): protein or proteins of each row

    Raises:
        InputError: an unknown type, more columns or proteins than it takes, or a wrong cell
    """
    _check(names, target_type, sequences)
    if target_type == "number":
        return Targets(names, per_item={name: columns.numbers(table, name) for name in names})
    if target_type == "class":
        read = {name: columns.classes(table, name) for name in names}
        return Targets(
            names,
            classes={name: class_names for name, (_, class_names) in read.items()},
            per_item={name: values for name, (values, _) in read.items()},
            label_names=read[names[0]][1] if len(names) == 1 else None,
        )
    if target_type == "labels":
        present, label_names = columns.labels(table, names[0])
        return Targets(label_names, per_item={"targets": list(present)}, label_names=label_names)
    proteins = [protein for (protein,) in sequences]
    target, mask, letters = columns.residue_classes(table, names[0], proteins)
    return Targets(names, classes={names[0]: letters}, per_residue={"target": target, "mask": mask})


def _check(names: list[str], target_type: str, sequences: Sequence[tuple[str, ...]]) -> None:
    check_choice("target_type", target_type, TARGET_TYPES)
    if not names or (len(names) > 1 and target_type in _SINGLE_COLUMN):
        raise InputError(
            f"target: {len(names)} columns given; `target_type: {target_type}` takes "
            + ("exactly one" if target_type in _SINGLE_COLUMN else "one or more")
        )
    if target_type == "residue_class" and len(sequences[0]) > 1:
        raise InputError(
            "sequence: the columns of a pair given; `target_type: residue_class` takes one protein"
        )
