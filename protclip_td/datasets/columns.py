"""What a column of a table can mean as a prediction target."""

import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

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
#: Cells that hold no value, as pandas, R and spreadsheets write them. The spelling counts: "Na" is
#: sodium.
MISSING = {
    *("", "NaN", "nan", "-NaN", "-nan", "NA", "na", "<NA>", "N/A", "n/a", "#N/A"),
    *("NULL", "null", "None"),
}
# 2, 02 or 2.0.
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)


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
    _check_missing(table, name, "number")
    return [
        math.nan if cell in MISSING else _number(cell, table, row, name)
        for row, cell in enumerate(table.column(name))
    ]


def _check_missing(table: Table, name: str, expected: str) -> None:
    """Count the missing cells of a column; the warning names them, since one may be meant."""
    missing = Counter(cell for cell in table.column(name) if cell in MISSING)
    if missing.total() == len(table):
        raise InputError(f"{table.path}: column {name!r} holds no {expected} at all")
    if missing:
        what = "%s: %d rows have no %r and do not count (cells %s)"
        cells = ", ".join(map(repr, sorted(missing)))
        logger.warning(what, table.path, missing.total(), name, cells)


def _number(cell: str, table: Table, row: int, name: str) -> float:
    value = _as_number(cell)
    if value is None:
        raise InputError(
            f"{table.where(row)}: {name!r} is {cell!r}; expected a finite number, or an empty cell "
            "where there is none (names of classes need `target_type: class`)"
        )
    if problem := number_problem(value):
        raise InputError(f"{table.where(row)}: {name!r}: {cell} {problem}")
    return value


def _as_number(cell: str) -> float | None:
    """The finite number that a cell is, if it is one."""
    try:
        # Python takes 1_000 and the digits of other scripts for numbers, too.
        value = float(cell) if cell.isascii() and "_" not in cell else math.inf
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def classes(table: Table, name: str) -> tuple[list[float], list[str]]:
    """Classes of a column, numbered in the order of their names, or of their values if numbers.

    If all are whole numbers, then ``1``, ``01`` and ``1.0`` are one class. Else each spelling is
    a class of its own, since ``1.1`` and ``1.10`` are two classes of enzymes.

    Parameters:
        table (Table): the table
        name (str): the column; numbers 0, 1, … stay what they are

    Returns:
        the class of each row, NaN where it is missing, which TorchDrug leaves out of loss and
        metric; and the names of the classes

    Raises:
        InputError: no cell holds a class

    Example::

        >>> classes(table, "location")  # cells "Nucleus", "Cytoplasm" and "Nucleus"
        ([1, 0, 1], ['Cytoplasm', 'Nucleus'])
    """
    _check_missing(table, name, "class")
    cells = table.column(name)
    names, number_of = _numbered(cell for cell in cells if cell not in MISSING)
    return [number_of.get(cell, math.nan) for cell in cells], names


def labels(table: Table, name: str) -> tuple[Tensor, list[str]]:
    """Any number of labels per row, as ``Nucleus;Cytoplasm``; an empty cell has none.

    Numbers are the same label, and in the same order, as in `classes`. A cell that says that it is
    missing, such as ``nan``, has none either; TorchDrug cannot leave it out.

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
    cells = table.column(name)
    said = Counter(cell for cell in cells if cell and cell in MISSING)
    if said:
        what = "%s: %d rows have %s in %r, which is taken for no label"
        logger.warning(what, table.path, said.total(), ", ".join(map(repr, sorted(said))), name)
    rows = [[] if cell in MISSING else _parts(cell) for cell in cells]
    names, number_of = _numbered(label for row in rows for label in row)
    if not names:
        raise InputError(f"{table.path}: no row has a label in column {name!r}")
    present = torch.zeros(len(rows), len(names))
    for row, row_labels in enumerate(rows):
        present[row, [number_of[label] for label in row_labels]] = 1
    return present, names


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(LABEL_SEPARATOR) if part.strip()]


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
    names, number_of = _numbered(set("".join(cells)) - {UNLABELED})
    # An unlabeled residue takes the first class, where the mask keeps it out of everything.
    code = {UNLABELED: 0, **number_of}
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


def _numbered(cells: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """The names that occur, in order, and the number of each by its spelling."""
    spellings = sorted(set(cells), key=lambda cell: (len(cell), cell))
    key = _sort_key(spellings)
    value = {cell: key(cell) for cell in spellings}
    place = {key: number for number, key in enumerate(sorted(set(value.values())))}
    number_of = {cell: place[value[cell]] for cell in spellings}
    # The shortest spelling is the name.
    name_of = {number_of[cell]: cell for cell in reversed(spellings)}
    return [name_of[number] for number in range(len(place))], number_of


def _sort_key(spellings: Sequence[str]) -> Callable[[str], Any]:
    """What names are sorted by; those of the same key are the same."""
    if all(_WHOLE.fullmatch(cell) for cell in spellings):
        return lambda cell: int(cell.partition(".")[0])
    if all(_as_number(cell) is not None for cell in spellings):
        return lambda cell: (_as_number(cell), cell)
    return lambda cell: cell
