"""The benchmark of the draw prints its tables; what it measures is checked at a small size."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import draw_randomness

    monkeypatch.setattr(draw_randomness, "_PAIRS_FOR_MEETING", 32_768)
    return draw_randomness


def test_it_prints_composition_speed_and_randomness(benchmark, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["draw_randomness.py", "--draws", "20000", "--markdown"])
    benchmark.main()
    printed = capsys.readouterr().out
    assert "| C = 3, R = 3/4 | 9,717,854 | 58.59% | 48.32% |" in printed
    assert "251,500,001 rows in 20 groups" in printed
    assert "| pairs in a batch that are from one block |" in printed


def test_blocks_that_are_decoded_again(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "BLOCKS_KEPT", 2)
    assert benchmark._misses([1, 2, 1, 3, 1, 2, 2]) == 4


def test_pairs_that_meet_again(benchmark):
    order = np.arange(32_768)
    assert benchmark._meet_again([order, order]) == 1
    crossed = order.reshape(512, 64).T.ravel()  # each of a batch goes to another one
    assert benchmark._meet_again([order, crossed]) == 0
