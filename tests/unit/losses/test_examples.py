"""The examples in the docstrings of losses and metrics say what really comes out."""

import doctest
import importlib

import pytest
import torch

MODULES = [
    "protclip_td.losses.alignment",
    "protclip_td.losses.contrastive",
    "protclip_td.losses.masked_lm",
    "protclip_td.losses.packed",
    "protclip_td.metrics.retrieval",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch})
    assert result.attempted > 0
    assert result.failed == 0
