"""Reads the records of an LMDB data set from outside, checked field by field."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lmdb
import numpy as np

from protclip_td.data.outside import safe_pickle
from protclip_td.data.residues import check_sequence
from protclip_td.data.target_numbers import number_problem
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)


def read_records(path: str | Path, number_field: str = "num_examples") -> Iterator[dict[str, Any]]:
    """Read the records of one LMDB folder, in order.

    The records are pickled dicts under the keys ``0``, ``1``, …; they are read without running
    code.

    Parameters:
        path (str or Path): the folder, with `data.mdb`
        number_field (str, optional): key of the number of records

    Raises:
        InputError: there is no such folder, or it is damaged, not safe to read or empty, or has
            more records than its number
    """
    try:
        with lmdb.open(
            str(path), readonly=True, lock=False, readahead=False, meminit=False
        ) as environment:
            _check_size(path, environment)
            with environment.begin() as transaction:
                for i in range(_count(path, transaction, number_field)):
                    record = _value(path, transaction.get(str(i).encode()), f"record {i}")
                    if not isinstance(record, dict):
                        raise InputError(f"{path}: record {i} is no dict of fields")
                    yield record
    except lmdb.Error as error:
        raise InputError(
            f"{path} cannot be read as LMDB ({error}). Remove the folder to have it unpacked "
            "again, or replace it."
        ) from error


def _check_size(path: str | Path, environment: lmdb.Environment) -> None:
    """Make sure that no page is missing: to read behind the end would kill the process.

    Raises:
        lmdb.Error: the file is shorter than its own first pages say
    """
    expected = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    size = Path(path, "data.mdb").stat().st_size
    if size < expected:
        raise lmdb.CorruptedError(f"data.mdb has {size:,} of {expected:,} bytes")


def _count(path: str | Path, transaction: Any, number_field: str) -> int:
    """How many records there are, which has to be all of them."""
    count = _value(path, transaction.get(number_field.encode()), number_field)
    if not isinstance(count, (int, np.integer)) or count < 1:
        raise InputError(f"{path} has no record ({number_field} is {count!r})")
    others = transaction.stat()["entries"] - 1
    if transaction.get(str(count).encode()) is not None:
        raise InputError(
            f"{path}: {number_field} is {count}, but there is a record {count}, one of {others}. "
            "Remove the folder to have it unpacked again, or replace it."
        )
    if others > count:
        logger.warning("%s: %d entries are no records and are not read", path, others - count)
    return int(count)


def _value(path: str | Path, content: bytes | None, what: str) -> Any:
    if content is None:
        raise InputError(f"{path} has no {what}: it is damaged, or of another layout")
    try:
        return safe_pickle.loads(content)
    except InputError as error:
        raise InputError(f"{path}, {what}: {error}") from error


def field(record: dict[str, Any], name: str, where: str) -> Any:
    """A field of a record.

    Raises:
        InputError: there is no such field; names those there are
    """
    if name not in record:
        raise InputError(f"{where} has no field {name!r}; it has {list(record)}")
    return record[name]


def sequence_of(record: dict[str, Any], name: str, where: str) -> str:
    """A protein sequence of a record, without gaps and stops."""
    sequence = field(record, name, where)
    if not isinstance(sequence, str):
        raise InputError(f"{where}: {name!r} is a {type(sequence).__name__}; expected residues")
    check_sequence(sequence, f"{where}: {name!r}")
    return sequence


def target_of(record: dict[str, Any], name: str, where: str) -> Any:
    """A target of a record: a plain number, or whatever has several values.

    Raises:
        InputError: there is none, or it is a text, infinite or above 1.8e19
    """
    value = field(record, name, where)
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, bytes)):
        raise InputError(f"{where}: {name!r} is {value!r}; expected a number")
    if isinstance(value, (int, float)) and (problem := number_problem(value)):
        raise InputError(f"{where}: {name!r}: {value} {problem}")
    return value


def count_missing(targets: Mapping[str, Sequence[Any]], where: str) -> None:
    """Say how many numbers are missing: TorchDrug leaves them out of loss and metric.

    Raises:
        InputError: all of a target's are missing
    """
    for name, values in targets.items():
        count = sum(isinstance(value, float) and math.isnan(value) for value in values)
        if count == len(values):
            raise InputError(f"{where}: no record has a number in {name!r}")
        if count:
            logger.warning("%s: %d rows have no %r and do not count", where, count, name)
