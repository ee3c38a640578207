"""Types of values against annotations, docstrings and defaults."""

import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from protclip_td.config.classes import Argument
from protclip_td.config.value_types import known_keys, wrong_type


def problem(hint, value):
    return wrong_type(Argument("x", True, None, hint, ""), value)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 3),
        (float, 3),
        (float, 1e-5),
        (float | torch.Tensor, 0.1),
        (str | None, None),
        (typing.Optional[str], "a"),  # noqa: UP045 (both spellings)
        (bool, True),
        (tuple[int, int], [5, 10]),
        (tuple[float, ...], [1, 2.5, 3]),
        (Sequence[int], [1]),
        (Collection[int], [1]),
        (list, ["a", 1]),
        (dict[str, float], {"a": 1}),
        (Mapping, {"a": "b"}),
        (dict | None, {"a": "b"}),
        (Literal["fp32", "bf16"], "bf16"),
        (Path, "runs"),
        (Callable[[dict], dict] | None, {"class": "ProteinView"}),
        (torch.nn.Module, {"class": "ProteinCNN"}),
        (Any, object()),
    ],
)
def test_fitting(hint, value):
    assert problem(hint, value) == ""


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (float, "fast", "expected a number, got 'fast' (string)"),
        (float | torch.Tensor, "fast", "expected a number, got 'fast' (string)"),
        (int, 2.5, "expected a whole number, got 2.5 (number)"),
        (int, True, "expected a whole number, got true"),
        (bool, 1, "expected true or false, got 1 (whole number)"),
        (str, 5, "expected a word, got 5 (whole number)"),
        (int | None, "a", "expected a whole number or null, got 'a' (string)"),
        (float, None, "expected a number, got null"),
        (tuple[int, int], [5], "expected a list of 2 values, got [5] (list)"),
        (Sequence[int], ["a"], "expected a list (a whole number each), got ['a'] (list)"),
        (dict[str, float], {"a": "b"}, "expected keys with values, got a block of 1 keys"),
        (dict, 3, "expected keys with values, got 3 (whole number)"),
        (Literal["fp32", "bf16"], "fp8", "expected 'fp32' or 'bf16', got 'fp8' (string)"),
        (str, {"class": "ESM"}, "expected no class, got a block of 1 keys"),
    ],
)
def test_wrong(hint, value, message):
    assert problem(hint, value) == message


def test_the_default_always_fits():
    assert wrong_type(Argument("x", False, None, int, ""), None) == ""


@pytest.mark.parametrize(
    ("documented", "default", "value", "fits"),
    [
        ("int", None, "five", False),
        ("int", None, 5, True),
        ("int, optional", 1, [1, 2], True),  # TorchDrug takes one for many
        ("int, optional", 0, 2.5, False),
        ("float, optional", 0, 0.5, True),
        ("list of int", None, 1024, True),
        ("list of int", None, ["a"], False),
        ("bool, optional", True, "yes please", False),
        ("str, list or dict, optional", "mse", {"mse": 1}, True),
        ("str or list of str, optional", "default", None, True),
        ("str", None, 3, False),
        ("nn.Module", None, 3, True),
        ("", 0.5, "half", False),
        ("", True, 1, False),
        ("", 1, 0.5, True),
        ("", None, "anything", True),
    ],
)
def test_without_annotation(documented, default, value, fits):
    assert (wrong_type(Argument("x", False, default, Any, documented), value) == "") is fits


def test_keys_of_a_dict_may_be_known():
    assert known_keys(dict[Literal["a", "b"], float] | None) == ("a", "b")
    assert known_keys(dict[str, float]) == ()
    assert known_keys(int | None) == ()
