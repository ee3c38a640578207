"""Spearman's correlation against SciPy, and where TorchDrug's own is not one."""

import warnings

import pytest
import torch
from scipy import stats
from torchdrug.metrics import metric as torchdrug_own

from protclip_td.metrics import spearmanr


def scipys(pred, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constants
        return stats.spearmanr(pred, target).statistic


def values(kind, num):
    if kind == "ties":
        return torch.randint(4, (num,))
    return torch.randn(num) if kind == "random" else torch.full((num,), 0.3)


@pytest.mark.parametrize("num", [2, 3, 10, 1000])
@pytest.mark.parametrize("kind", ["random", "ties", "constant"])
@pytest.mark.parametrize("other", ["random", "ties"])
def test_against_scipy(kind, other, num):
    pred, target = values(kind, num), values(other, num)
    expected = scipys(pred, target)
    assert spearmanr(pred, target).item() == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert spearmanr(target, pred).item() == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("pred", [[], [1.0], [1.0, float("nan"), 2.0], [2.0, 2.0, 2.0]])
def test_no_correlation(pred):
    values, order = torch.tensor(pred), torch.arange(len(pred))
    assert spearmanr(values, order).isnan()
    assert spearmanr(order, values).isnan()


def test_perfect_orders_and_infinity():
    pred = torch.tensor([-torch.inf, 0.0, 1.0, torch.inf])
    assert spearmanr(pred, torch.arange(4)) == 1
    assert spearmanr(-pred, torch.arange(4)) == -1


def test_torchdrugs_own_correlates_a_constant_with_anything():
    """A test set as large as Fluorescence's, and a model that says the same of each."""
    constant, target = torch.full((27217,), 0.3), torch.randn(27217)
    assert abs(torchdrug_own.spearmanr(constant, target)) > 1e-3
    assert spearmanr(constant, target).isnan()


def test_torchdrugs_values_stay_elsewhere():
    pred, target = torch.randn(500).round(decimals=1), torch.randn(500)
    own = torchdrug_own.spearmanr(pred, target).item()
    assert spearmanr(pred, target).item() == pytest.approx(own, abs=1e-5)
