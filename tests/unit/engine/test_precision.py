import pytest
import torch
from torch import nn, optim

from protclip_td.errors import InputError
from protclip_td.training.precision import Precision, to_float32

CPU = torch.device("cpu")


def with_gradient(*values):
    parameters = [nn.Parameter(torch.zeros(1)) for _ in values]
    for parameter, value in zip(parameters, values):
        parameter.grad = torch.tensor([value])
    return optim.SGD(parameters, lr=1.0), parameters


def test_clips_all_gradients_together():
    optimizer, (a, b) = with_gradient(3.0, 4.0)
    assert Precision("fp32", CPU).clip(optimizer, max_norm=1.0) == pytest.approx(5.0)
    assert a.grad.item() == pytest.approx(0.6, rel=1e-5)
    assert b.grad.item() == pytest.approx(0.8, rel=1e-5)


def test_without_a_limit_gradients_stay():
    optimizer, (a, _) = with_gradient(3.0, 4.0)
    assert Precision("fp32", CPU).clip(optimizer, max_norm=None) == pytest.approx(5.0)
    assert a.grad.item() == 3.0


@pytest.mark.parametrize(("name", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_forward_runs_in_the_precision(name, dtype):
    with Precision(name, CPU).autocast():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


def test_fp16_leaves_out_a_step_that_overflows():
    precision = Precision("fp16", CPU)
    optimizer, (a, _) = with_gradient(float("inf"), 1.0)
    precision.scaler.scale(torch.ones(1))  # as backward does
    assert precision.accepts(precision.clip(optimizer, 1.0))
    assert not precision.step(optimizer)
    assert a.item() == 0
    assert not Precision("fp32", CPU).accepts(float("inf"))


@pytest.mark.parametrize(("saved", "now"), [("fp16", "fp32"), ("fp32", "fp16")])
def test_a_training_may_go_on_in_another_precision(saved, now):
    precision = Precision(now, CPU)
    before = precision.state_dict()
    precision.load_state_dict(Precision(saved, CPU).state_dict())
    assert precision.state_dict() == before


def test_unknown_precision():
    with pytest.raises(InputError, match="'fp8' given; expected one of fp32, bf16, fp16"):
        Precision("fp8", CPU)


def test_predictions_become_float32():
    half = torch.ones(1).bfloat16()
    pred = to_float32({"a": half, "b": [torch.ones(1).long()], "c": None, "d": (half, 1)})
    assert pred["a"].dtype == pred["d"][0].dtype == torch.float32
    assert pred["b"][0].dtype == torch.int64
