"""What a column of a table can mean as a prediction target."""

import logging
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from protclip_td.data.reading.table import Table
from protclip_td.data.target_numbers import number_problem
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

#: Between the labels of a protein that has several.
LABEL_SEPARATOR = ";"
#: Stands for a residue without a label; "-" and "." are classes of some structure alphabets.
UNLABELED = "?"
_MISSING_NUMBER = {"", "nan", "na", "n/a"}


def numbers(table: Table, name: str) -> list[float]:
    """Numbers of a column; missing ones become NaN, which TorchDrug leaves out of loss and metric.

    Parameters:
        table (Table): the table
        name (str): the column

    Returns:
        one number per row

    Raises:
        InputError: a cell that is no number, infinite or above 1.8e19, or no number at all

    Example::

        >>> numbers(table, "stability")  # cells "0.17", "" and "-0.2"
        [0.17, nan, -0.2]
    """
    values = [_number(cell, table, row, name) for row, cell in enumerate(table.column(name))]
    num_missing = sum(math.isnan(value) for value in values)
    if num_missing == len(values):
        raise InputError(f"{table.path}: column {name!r} holds no number at all")
    if num_missing:
        logger.warning("%s: %d rows have no %r and do not count", table.path, num_missing, name)
    return values


def _number(cell: str, table: Table, row: int, name: str) -> float:
    if cell.lower() in _MISSING_NUMBER:
        return math.nan
    try:
        # Python takes 1_000 and the digits of other scripts for numbers, too.
        value = float(cell) if cell.isascii() and "_" not in cell else math.inf
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(
            f"{table.where(row)}: {name!r} is {cell!r}; expected a finite number, or an empty cell "
            "where there is none (names of classes need `target_type: class`)"
        )
    if problem := number_problem(value):
        raise InputError(f"{table.where(row)}: {name!r}: {cell} {problem}")
    return value


def classes(table: Table, name: str) -> tuple[list[int], list[str]]:
    """Classes of a column, numbered in the order of their names (of their values, if numbers).

    Parameters:
        table (Table): the table
        name (str): the column; numbers 0, 1, … stay what they are

    Returns:
        the class of each row, and the names of the classes

    Raises:
        InputError: a cell is empty

    Example::

        >>> classes(table, "location")  # cells "Nucleus", "Cytoplasm" and "Nucleus"
        ([1, 0, 1], ['Cytoplasm', 'Nucleus'])
    """
    cells = table.column(name)
    if "" in cells:
        raise InputError(f"{table.where(cells.index(''))}: {name!r} is empty; expected a class")
    names = _in_order(cells)
    return _numbered(cells, names), names


def labels(table: Table, name: str) -> tuple[Tensor, list[str]]:
    """Any number of labels per row, as ``Nucleus;Cytoplasm``; an empty cell has none.

    Parameters:
        table (Table): the table
        name (str): the column

    Returns:
        a table of zeros and ones of shape :math:`(n, C)`, and the names of the C labels in order

    Raises:
        InputError: no row has a label

    Example::

        >>> labels(table, "keyword")  # cells "Nucleus;Cytoplasm", "" and "Nucleus"
        (tensor([[1., 1.], [0., 0.], [0., 1.]]), ['Cytoplasm', 'Nucleus'])
    """
    rows = [
        [part.strip() for part in cell.split(LABEL_SEPARATOR) if part.strip()]
        for cell in table.column(name)
    ]
    names = _in_order(label for row in rows for label in row)
    if not names:
        raise InputError(f"{table.path}: no row has a label in column {name!r}")
    present = torch.zeros(len(rows), len(names))
    for row, row_labels in enumerate(rows):
        present[row, _numbered(row_labels, names)] = 1
    return present, names


def residue_classes(
    table: Table, name: str, sequences: Sequence[str]
) -> tuple[list[Tensor], list[Tensor], list[str]]:
    """One letter per residue, as ``HHHHTEEE``; ``?`` marks a residue without a label.

    Parameters:
        table (Table): the table
        name (str): the column
        sequences (list of str): the protein of each row

    Returns:
        classes and masks (true where there is a label) of shape :math:`(L,)` for each protein,
        and the letters of the classes in order

    Raises:
        InputError: another number of letters than residues, or a protein without any label
            (TorchDrug's mean over proteins cannot leave it out)

    Example::

        >>> residue_classes(table, "structure", ["MKV"])  # the cell "?HE"
        ([tensor([0, 1, 0])], [tensor([False, True, True])], ['E', 'H'])
    """
    cells = table.column(name)
    for row, (cell, sequence) in enumerate(zip(cells, sequences)):
        _check_residue_labels(cell, sequence, f"{table.where(row)}: {name!r}")
    names = _in_order(set("".join(cells)) - {UNLABELED})
    # An unlabeled residue takes the first class, where the mask keeps it out of everything.
    code = {UNLABELED: 0, **{letter: i for i, letter in enumerate(names)}}
    targets = [torch.tensor([code[letter] for letter in cell]) for cell in cells]
    masks = [torch.tensor([letter != UNLABELED for letter in cell]) for cell in cells]
    return targets, masks, names


def _check_residue_labels(cell: str, sequence: str, where: str) -> None:
    if len(cell) != len(sequence):
        raise InputError(
            f"{where} has {len(cell)} letters, but the sequence has {len(sequence)} residues; "
            f"expected one letter each, {UNLABELED!r} where there is no label"
        )
    if set(cell) == {UNLABELED}:
        raise InputError(f"{where} labels no residue; leave the row out")


def _in_order(names: Iterable[str]) -> list[str]:
    """Each name once, sorted; by value if all of them are numbers."""
    distinct = sorted(set(names))
    return sorted(distinct, key=int) if all(name.isdecimal() for name in distinct) else distinct


def _numbered(cells: Iterable[str], names: Sequence[str]) -> list[int]:
    position = {name: i for i, name in enumerate(names)}
    return [position[cell] for cell in cells]
