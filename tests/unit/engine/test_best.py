import math

import pytest

from protclip_td.errors import InputError
from protclip_td.training.best import BestMetric, lower_is_better, pick_metric


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss", True),
        ("mlm loss", True),
        ("protein-to-text median rank", True),
        ("root mean squared error [y]", True),
        ("protein-to-text R@1", False),
        ("spearmanr [y]", False),
        ("accuracy", False),
        ("mse [y]", True),
        ("cross entropy [y]", True),
    ],
)
def test_direction_is_known_by_name(name, expected):
    assert lower_is_better(name) is expected


def test_pick_by_name_beginning_or_default():
    metrics = {"loss": 2.0, "spearmanr [a]": 0.2, "spearmanr [b]": 0.4, "rmse": 1.0}
    assert pick_metric(metrics, None) == ("loss", 2.0)
    assert pick_metric(metrics, "rmse") == ("rmse", 1.0)
    assert pick_metric(metrics, "spearmanr") == ("spearmanr", pytest.approx(0.3))
    assert pick_metric({"accuracy": 1.0}, None) is None
    assert pick_metric({"loss": 2.0, "loss [a]": 4.0}, "loss") == ("loss", 2.0)


@pytest.mark.parametrize(
    ("short", "value"), [("acc", 0.1), ("mcc", 0.2), ("rmse", 3.0), ("mae", 4.0), ("auprc", 0.5)]
)
def test_short_names_of_torchdrug_stand_for_its_long_ones(short, value):
    metrics = {
        "accuracy [localization]": 0.1,
        "matthews correlation coefficient [localization]": 0.2,
        "root mean squared error [y]": 3.0,
        "mean absolute error [y]": 4.0,
        "auprc [y]": 0.5,
    }
    assert pick_metric(metrics, short) == (short, value)
    assert lower_is_better(short) is (short in ("rmse", "mae"))


def test_pick_unknown_suggests():
    with pytest.raises(InputError, match=r"eval_metric: 'los' is not among .* mean `loss`"):
        pick_metric({"loss": 2.0}, "los")


def test_patience_counts_evaluations_without_a_better_one():
    best = BestMetric(patience=2)
    better = [best.update("loss", value, epoch) for epoch, value in enumerate([3, 2, 2, 4], 1)]
    assert better == [True, True, False, False]
    assert (best.value, best.epoch, best.is_exhausted) == (2, 2, True)


def test_higher_is_better_for_others():
    best = BestMetric()
    assert [best.update("accuracy", value, 1) for value in (0.1, 0.3, 0.2)] == [True, True, False]
    assert not best.is_exhausted


def test_nan_is_best_only_while_there_is_nothing_else():
    best = BestMetric(patience=2)
    better = [
        best.update("spearmanr [y]", v, e) for e, v in enumerate([math.nan, math.nan, -0.5], 1)
    ]
    assert better == [True, False, True]
    assert (best.value, best.epoch) == (-0.5, 3)
    assert not best.update("spearmanr [y]", math.nan, 4)
    assert not best.update("spearmanr [y]", -0.6, 5)
    assert (best.value, best.is_exhausted) == (-0.5, True)


def test_state_survives():
    best, other = BestMetric(patience=2), BestMetric(patience=2)
    best.update("loss", 1.0, 1)
    best.update("loss", 2.0, 2)
    other.load_state_dict(best.state_dict())
    other.update("loss", 3.0, 3)
    assert other.is_exhausted
