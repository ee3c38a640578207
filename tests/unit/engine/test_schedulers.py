import pytest
import torch
from torch import nn, optim

from protclip_td.errors import InputError
from protclip_td.schedulers import LinearWarmupDecay


def make_optimizer(*rates):
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates]
    return optim.SGD(groups, lr=0.1)


def follow(scheduler, num_step):
    rates = []
    for _ in range(num_step):
        rates.append(scheduler.get_last_lr())
        scheduler.optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("num_step", "warmup"), [(10, 0.3), (9, 0.4), (7, 0.3), (7, 0.0), (5, 1.0), (100, 0.03)]
)
def test_rates_follow_the_formula(num_step, warmup):
    rates = follow(LinearWarmupDecay(make_optimizer(1.0), num_step, warmup), num_step)
    w = round(num_step * warmup)
    expected = [(t + 1) / w if t < w else (num_step - t) / (num_step - w) for t in range(num_step)]
    assert [rate for (rate,) in rates] == pytest.approx(expected)
    assert min(expected) > 0  # no step is wasted


def test_groups_keep_their_ratio():
    rates = follow(LinearWarmupDecay(make_optimizer(1e-6, 1e-5), 10), 10)
    assert all(new == pytest.approx(10 * encoder) for encoder, new in rates)


def test_number_of_steps_can_come_later():
    optimizer = make_optimizer(1.0)
    scheduler = LinearWarmupDecay(optimizer, warmup_ratio=0.5)
    scheduler.set_num_step(4)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert [rate for (rate,) in follow(scheduler, 4)] == [0.5, 1.0, 1.0, 0.5]


def test_unknown_number_of_steps():
    scheduler = LinearWarmupDecay(make_optimizer(1.0))
    scheduler.optimizer.step()
    with pytest.raises(InputError, match="does not know how long the training is"):
        scheduler.step()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"warmup_ratio": 3}, "warmup_ratio: 3 given; expected the share"),
        ({"num_step": 0}, "num_step: 0 given; expected a number above 0, or leave it out"),
    ],
)
def test_wrong_options(options, match):
    with pytest.raises(InputError, match=match):
        LinearWarmupDecay(make_optimizer(1.0), **options)


def test_state_survives():
    scheduler = LinearWarmupDecay(make_optimizer(1.0), 10)
    follow(scheduler, 4)
    other = LinearWarmupDecay(make_optimizer(1.0))
    other.load_state_dict(scheduler.state_dict())
    follow(scheduler, 1), follow(other, 1)
    assert other.get_last_lr() == scheduler.get_last_lr()
