"""What nodes of PrimeKG are: sequences of proteins, vectors of drugs, lists of those that count."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.outside import safe_pickle
from protclip_td.data.reading.table import read_table
from protclip_td.data.residues import check_sequence
from protclip_td.errors import InputError

_WHOLE = re.compile(r"[0-9]+(\.0*)?")


def read_node_sequences(path: Path) -> dict[int, str]:
    """Sequences of proteins by PrimeKG's node number.

    Parameters:
        path (Path): table with the columns ``node_index`` and ``sequence``, as BioBridge's
            ``protein.csv``

    Raises:
        InputError: a column is missing, a number is none, or a letter is no residue
    """
    table = read_table(path)
    sequences: dict[int, str] = {}
    for row, sequence in enumerate(table.column("sequence")):
        check_sequence(sequence, f"{table.where(row)}: 'sequence'")
        sequences[_number(table.column("node_index")[row], table.where(row))] = sequence
    return sequences


def read_node_list(path: Path) -> set[int]:
    """PrimeKG's numbers of the nodes in a table with a column ``node_index``."""
    table = read_table(path)
    return {_number(cell, table.where(row)) for row, cell in enumerate(table.column("node_index"))}


def read_node_vectors(path: Path) -> dict[int, np.ndarray]:
    """Vectors of nodes by PrimeKG's node number.

    Parameters:
        path (Path): ``.npz`` or pickle with ``node_index`` and ``embedding``, a row for each, as
            BioBridge's ``drug.pkl``; read without running code

    Raises:
        InputError: the file is damaged, or its parts do not fit together
    """
    content = _arrays(path)
    try:
        numbers = np.asarray(content["node_index"], dtype=np.int64)
        vectors = np.asarray(content["embedding"], dtype=np.float32)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path} has no `node_index` and `embedding` in numbers ({error!r})"
        ) from error
    if vectors.ndim != 2 or numbers.shape != vectors.shape[:1] or not len(numbers):
        raise InputError(
            f"{path}: {numbers.shape} numbers of nodes and {vectors.shape} vectors; expected one "
            "vector per node"
        )
    if not np.isfinite(vectors).all():
        raise InputError(f"{path} has vectors with NaN or infinite values")
    return dict(zip(numbers.tolist(), vectors))


def _arrays(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        # What a damaged file makes of NumPy is not foreseeable. Its own words advise to unpickle
        # it, which would run whatever is in there.
        except Exception as error:
            raise InputError(
                f"{path} is damaged ({type(error).__name__}), or no .npz of plain arrays; replace "
                "it"
            ) from error
    with path.open("rb") as file:
        try:
            content = safe_pickle.load(file)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds a {type(content).__name__}; expected a dict of arrays")
    return content


def _number(cell: str, where: str) -> int:
    """A node's number; pandas writes 27165.0 where other rows of the column have none."""
    if not _WHOLE.fullmatch(cell):
        raise InputError(f"{where}: 'node_index' is {cell!r}; expected a whole number")
    return int(cell.partition(".")[0])
