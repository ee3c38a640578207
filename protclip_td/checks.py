"""Checks of options; the message names the option, not whose it is."""

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

from protclip_td.errors import InputError


def check_choice(name: str, value: Any, choices: Collection[Any]) -> None:
    """Make sure that an option is one of some values.

    Raises:
        InputError: it is not

    Example::

        >>> check_choice("branch", "XX", ["MF", "BP", "CC"])
        Traceback (most recent call last):
        protclip_td.errors.InputError: branch: 'XX' given; expected one of MF, BP, CC
    """
    if value not in choices:
        expected = ", ".join(map(str, choices))
        raise InputError(f"{name}: {value!r} given; expected one of {expected}")


def check_positive(name: str, value: float | None, may_be_zero: bool = False) -> None:
    """Make sure that an option, if it is given, is a number above 0.

    Raises:
        InputError: it is not

    Example::

        >>> check_positive("lr_ratio", 0)
        Traceback (most recent call last):
        protclip_td.errors.InputError: lr_ratio: 0 given; expected a number above 0, or leave it out
    """
    if problem := sign_problem(value, may_be_zero):
        raise InputError(f"{name}: {problem}")


def check_count(name: str, value: int | None, may_be_zero: bool = False) -> None:
    """Make sure that an option, if it is given, is a whole number above 0.

    Raises:
        InputError: it is not

    Example::

        >>> check_count("max_residues", 0.5)
        Traceback (most recent call last):
        protclip_td.errors.InputError: max_residues: 0.5 given; expected a whole number
    """
    if value is not None and not isinstance(value, Integral):
        raise InputError(f"{name}: {value!r} given; expected a whole number")
    check_positive(name, value, may_be_zero)


def sign_problem(value: float | None, may_be_zero: bool = False) -> str:
    """What is wrong with an option that, if it is given, is above 0; "" when nothing is."""
    if value is not None and not is_number(value):
        return f"{value!r} given; expected a number"
    if value is None or value > 0 or (may_be_zero and value == 0):
        return ""
    expected = "0 or above" if may_be_zero else "a number above 0, or leave it out"
    return f"{value} given; expected {expected}"


def check_fraction(name: str, value: float, may_be_zero: bool = False) -> None:
    """Make sure that an option is a share, which leaves something of what it is taken from.

    Raises:
        InputError: it is not

    Example::

        >>> check_fraction("test_fraction", 1.0)
        Traceback (most recent call last):
        protclip_td.errors.InputError: test_fraction: 1.0 given; expected a share between 0 and 1
    """
    if not is_number(value) or not (0 < value < 1 or (may_be_zero and value == 0)):
        zero = ", or 0" if may_be_zero else ""
        raise InputError(f"{name}: {value!r} given; expected a share between 0 and 1{zero}")


def is_number(value: Any) -> bool:
    """Whether Python can tell which of two such values is larger; "8" is no number."""
    return isinstance(value, Real)
