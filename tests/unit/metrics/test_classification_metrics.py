"""Classification metrics against scikit-learn, with ties, constants, absent classes, one sample."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn
from torchdrug import metrics as torchdrug_metrics
from torchdrug.metrics import metric as torchdrug_own

from protclip_td.errors import InputError
from protclip_td.metrics import area_under_prc, area_under_roc, f1_max, micro_f1, spearmanr

NAN = float("nan")
# Predictions: all different, a few values only, one value, and infinite ones.
KINDS = ("random", "ties", "constant", "infinite")


def predictions(kind, *shape):
    pred = torch.randn(shape)
    if kind == "ties":
        pred = (pred * 2).round()
    elif kind == "constant":
        pred = torch.full(shape, 0.3)
    elif kind == "infinite":
        pred = torch.where(pred > 1, torch.inf, torch.where(pred < -1, -torch.inf, pred))
    return pred


def quietly(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


def finite(pred):
    """scikit-learn refuses infinity; ranks are all that counts."""
    return np.unique(pred.numpy(), return_inverse=True)[1].reshape(pred.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("num", [1, 2, 7, 500])
def test_curves(kind, share, num):
    pred, target = predictions(kind, num), (torch.rand(num) < share).long()
    expected = quietly(sklearn.average_precision_score, target, finite(pred))
    assert area_under_prc(pred, target).item() == pytest.approx(expected, abs=1e-6)
    if target.unique().numel() == 2:
        expected = sklearn.roc_auc_score(target, finite(pred))
        assert area_under_roc(pred, target).item() == pytest.approx(expected, abs=1e-6)
    else:
        assert area_under_roc(pred, target).isnan()


def test_micro_over_many_classes_some_without_a_positive():
    pred, target = predictions("ties", 60, 9), (torch.rand(60, 9) < 0.2).long()
    target[:, 3] = 0
    expected = sklearn.average_precision_score(target, pred, average="micro")
    ours = area_under_prc(pred.flatten(), target.flatten())
    assert ours.item() == pytest.approx(expected, abs=1e-6)


def slow_f1_max(pred, target):
    """Straight from the definition: one threshold after the other, one protein after the other."""
    best = 0.0
    for threshold in pred.flatten().unique().tolist():
        precisions, recalls = [], []
        for row, true in zip(pred.tolist(), target.tolist()):
            given = [p >= threshold for p in row]
            right = sum(g and t == 1 for g, t in zip(given, true))
            if any(given):
                precisions.append(right / sum(given))
            recalls.append(right / sum(true) if sum(true) else 0.0)
        precision, recall = np.mean(precisions), np.mean(recalls)
        if precision + recall > 0:
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (12, 7)])
def test_f1_max(kind, share, shape):
    pred, target = predictions(kind, *shape), (torch.rand(shape) < share).float()
    assert f1_max(pred, target).item() == pytest.approx(slow_f1_max(pred, target), abs=1e-6)


def test_f1_max_of_one_class_is_scikit_learns_best_f1():
    """With one protein, precision and recall are the plain ones."""
    pred, target = predictions("ties", 1, 40), (torch.rand(1, 40) < 0.3).float()
    scores = [sklearn.f1_score(target[0], pred[0] >= t) for t in pred.unique()]
    assert f1_max(pred, target).item() == pytest.approx(max(scores), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (50, 7)])
def test_micro_f1(kind, share, shape):
    pred, target = predictions(kind, *shape), (torch.rand(shape) < share).long()
    given = (pred.sigmoid() > 0.5).long()
    # One column would be read as a plain binary problem, whose "micro" counts both classes.
    expected = quietly(sklearn.f1_score, target.flatten(), given.flatten(), zero_division=0)
    assert micro_f1(pred, target).item() == pytest.approx(expected, abs=1e-6)
    if shape[1] > 1:
        micro = quietly(sklearn.f1_score, target, given, average="micro", zero_division=0)
        assert expected == pytest.approx(micro)


def test_micro_f1_at_the_threshold_itself():
    """A probability of exactly one half gives no label."""
    assert micro_f1(torch.zeros(1, 7), torch.ones(1, 7)) == 0


@pytest.mark.parametrize("metric", [area_under_prc, area_under_roc, f1_max, micro_f1, spearmanr])
def test_a_prediction_per_target(metric):
    shape = (4, 2) if metric is f1_max else (4,)
    with pytest.raises(InputError, match=r"prediction per target, not \(4,.* predictions and \(5"):
        metric(torch.rand(shape), torch.ones(5, *shape[1:]))


def test_micro_f1_needs_a_prediction_per_target():
    with pytest.raises(InputError, match=r"not \(3, 7\) predictions and \(3,\) targets"):
        micro_f1(torch.zeros(3, 7), torch.zeros(3))


@pytest.mark.parametrize("metric", [area_under_prc, area_under_roc])
def test_nan_is_no_prediction(metric):
    assert metric(torch.tensor([0.1, NAN, 0.3]), torch.tensor([0, 1, 1])).isnan()
    assert f1_max(torch.tensor([[0.1, NAN]]), torch.tensor([[0, 1]])).isnan()


@pytest.mark.parametrize("num_class", [2, 10])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num", [1, 300])
def test_torchdrugs_mcc_is_right(num_class, kind, num):
    pred, target = predictions(kind, num, num_class), torch.randint(num_class, (num,))
    expected = quietly(sklearn.matthews_corrcoef, target, pred.argmax(1))
    ours = torchdrug_metrics.matthews_corrcoef(pred, target).item()
    assert ours == pytest.approx(expected, abs=1e-5)


def test_torchdrugs_own_depend_on_the_order_of_equal_predictions():
    pred, target = torch.full((4,), 0.5), torch.tensor([0, 0, 1, 1])
    for own, ours in [
        (torchdrug_own.area_under_prc, area_under_prc),
        (torchdrug_own.area_under_roc, area_under_roc),
    ]:
        assert abs(own(pred, target) - own(pred, target.flip(0))) > 0.5
        assert ours(pred, target) == ours(pred, target.flip(0)) == 0.5


def test_torchdrugs_own_f1_max_breaks_on_equal_predictions():
    """NaN, or more than any threshold gives; where nothing is equal it is right."""
    pred, target = torch.full((50, 30), 0.5), (torch.rand(50, 30) < 0.3).float()
    own = torchdrug_own.f1_max(pred, target).item()
    assert own != pytest.approx(slow_f1_max(pred, target), abs=1e-3, nan_ok=True)
    pred = torch.rand(50, 30)
    own = torchdrug_own.f1_max(pred, target).item()
    assert own == pytest.approx(f1_max(pred, target).item(), abs=1e-5)


def test_torchdrugs_values_stay_where_nothing_is_equal():
    pred, target = torch.rand(400), torch.randint(2, (400,))
    for own, ours in [
        (torchdrug_own.area_under_prc, area_under_prc),
        (torchdrug_own.area_under_roc, area_under_roc),
    ]:
        assert ours(pred, target).item() == pytest.approx(own(pred, target).item(), abs=1e-6)
