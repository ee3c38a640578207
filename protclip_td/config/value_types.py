"""Whether a value from YAML has the type that a constructor expects.

Where an argument is annotated, its annotation decides. TorchDrug annotates nothing, so there the
words of its docstring decide, or else the type of the default, and only about single values: its
classes widely take one number for a list of them.
"""

import collections.abc
import re
import types
import typing
from typing import Any

from protclip_td.config.classes import Argument

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
# Hints that a YAML list stands for.
_LISTS = (
    list,
    tuple,
    set,
    frozenset,
    collections.abc.Collection,
    collections.abc.Iterable,
    collections.abc.Sequence,
)
_WORDS = {"int": int, "float": float, "bool": bool, "str": str}


def wrong_type(argument: Argument, value: Any) -> str:
    """What is wrong with a value's type, or "" when nothing is.

    Parameters:
        argument (Argument): what is expected
        value (object): value from YAML; dicts with a ``class`` are checked elsewhere

    Example::

        >>> wrong_type(Argument("lr", True, None, float, ""), "fast")
        "expected a number, got 'fast' (string)"
    """
    if isinstance(value, dict) and "class" in value:
        return "" if takes_object(argument.annotation) else f"expected no class, got {show(value)}"
    if argument.annotation is not Any:
        is_default = not argument.required and value == argument.default
        fits = is_default or matches(value, argument.annotation)
        return "" if fits else f"expected {type_in_words(argument.annotation)}, got {show(value)}"
    allowed = _loose_types(argument)
    if not allowed or all(_is_loosely(leaf, allowed) for leaf in _leaves(value)):
        return ""
    return f"expected {' or '.join(_NAMES[kind] for kind in allowed)}, got {show(value)}"


def matches(value: Any, hint: Any) -> bool:
    """Whether a value from YAML fits a type hint; lists stand for tuples and sequences."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(matches(value, part) for part in parts)
    if origin is typing.Literal:
        return value in parts
    if hint is None or hint is type(None):
        return value is None
    if origin in _LISTS:
        return isinstance(value, list) and _items_match(value, origin, parts)
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, dict) and all(matches(v, parts[1]) for v in value.values())
    return _matches_plain(value, hint)


def known_keys(hint: Any) -> tuple[str, ...]:
    """The only keys that a dict may have: ``dict[Literal["a", "b"], float]`` → ("a", "b")."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return next(filter(None, map(known_keys, parts)), ())
    if origin in (dict, collections.abc.Mapping) and typing.get_origin(parts[0]) is typing.Literal:
        return typing.get_args(parts[0])
    return ()


def _items_match(value: list, origin: Any, parts: tuple) -> bool:
    if origin is tuple and parts[-1] is not Ellipsis:
        return len(value) == len(parts) and all(map(matches, value, parts))
    return all(matches(item, parts[0]) for item in value)


def _matches_plain(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str, dict):
        return isinstance(value, hint)
    if hint in _LISTS:
        return isinstance(value, list)
    if hint is collections.abc.Mapping:
        return isinstance(value, dict)
    if _is_path(hint):
        return isinstance(value, str)
    return hint is Any or not isinstance(hint, type)


def takes_object(hint: Any) -> bool:
    """Whether an argument can be an object, given as a block with a ``class``."""
    parts = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(takes_object(part) for part in parts)
    plain = (int, float, bool, str, type(None), typing.Literal, *_LISTS)
    return hint not in plain and typing.get_origin(hint) not in plain and not _is_path(hint)


def type_in_words(hint: Any) -> str:
    """A type hint in words: ``int | None`` → "a whole number or null"."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        simple = [part for part in parts if not takes_object(part)] or parts
        return " or ".join(dict.fromkeys(type_in_words(part) for part in simple))
    if origin is typing.Literal:
        return " or ".join(repr(part) for part in parts)
    if hint in _NAMES:
        return _NAMES[hint]
    if hint is type(None):
        return "null"
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)} values"
    if (origin or hint) in _LISTS:
        return f"a list ({type_in_words(parts[0])} each)" if parts else "a list"
    if (origin or hint) in (dict, collections.abc.Mapping):
        return "keys with values"
    return "a word" if _is_path(hint) else f"a block with a `class` ({hint})"


def show(value: Any) -> str:
    """A value as given, with its type: ``'fast' (string)``."""
    if isinstance(value, dict):
        return f"a block of {len(value)} keys"
    names = {bool: "true or false", int: "whole number", float: "number", str: "string"}
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value!r} ({names.get(type(value), 'list')})"


def _is_path(hint: Any) -> bool:
    return isinstance(hint, type) and (
        hint.__module__.startswith("pathlib") or hint.__name__ == "PathLike"
    )


def _loose_types(argument: Argument) -> list[type]:
    """Types a single value may have, from the docstring or the default; empty: anything goes."""
    words = re.sub(r"\b(optional|list|of|or|tuple|None)\b|,", " ", argument.documented).split()
    if words:
        return [_WORDS[word] for word in words] if set(words) <= set(_WORDS) else []
    if isinstance(argument.default, bool):
        return [bool]
    return [float] if isinstance(argument.default, (int, float)) else []


def _leaves(value: Any) -> list:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [] if value is None or isinstance(value, dict) else [value]


def _is_loosely(value: Any, allowed: list[type]) -> bool:
    return any(_matches_plain(value, kind) for kind in allowed)
