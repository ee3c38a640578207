"""The examples in the docstrings of the models say what really comes out."""

import doctest
import importlib

import pytest
import torch

NAMES = ("packing", "protein_encoder", "published", "text_cache")


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    module = importlib.import_module(f"protclip_td.models.{name}")
    result = doctest.testmod(module, extraglobs={"torch": torch})
    assert result.attempted > 0
    assert result.failed == 0
