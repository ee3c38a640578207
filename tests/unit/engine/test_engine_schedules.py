"""Schedules in a training: who moves them, how far, and when they end."""

import pytest
import torch
from line_toy import ITEMS, Line, fit, values
from torch import nn, optim
from torchdrug import core, tasks
from torchdrug.core import Registry as R

from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError
from protclip_td.schedulers import LinearWarmupDecay


def test_a_schedule_whose_length_is_given_keeps_it():
    _, _, heard = fit(1, scheduler=lambda optimizer: LinearWarmupDecay(optimizer, 8, 0.5))
    assert values(heard.steps, "lr") == pytest.approx([0.025, 0.05])


def test_an_engine_under_torchdrug_s_moves_once_an_epoch():
    """As README says."""
    task = Line()
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    scheduler = LinearWarmupDecay(optimizer, 100, 0.1)
    engine = core.Engine(task, ITEMS, ITEMS[:1], ITEMS, optimizer, scheduler, batch_size=4)
    engine.train(3)
    assert scheduler.get_last_lr() == pytest.approx([0.1 * 0.4])


@R.register("tasks.Grown")
class Grown(tasks.Task, core.Configurable):
    """Gets its head in `preprocess`."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.first = nn.Linear(1, width)

    def preprocess(self, train_set, valid_set, test_set):
        self.head = nn.Linear(self.width, 1)

    def forward(self, batch):
        return self.head(self.first(batch["x"])).mean(), {}


@R.register("datasets.Numbers")
class Numbers(torch.utils.data.Dataset, core.Configurable):
    """So many numbers."""

    def __init__(self, num):
        self.num = num

    def __len__(self):
        return self.num

    def __getitem__(self, index):
        return {"x": torch.tensor([float(index)])}


def test_an_engine_comes_back_from_its_configuration_with_its_schedule():
    task, numbers = Grown(3), Numbers(6)
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    scheduler = LinearWarmupDecay(optimizer, warmup_ratio=0.5)
    engine = ResumableEngine(
        task, *[numbers] * 3, optimizer, scheduler, batch_size=2, log_interval=7
    )
    config = engine.config_dict()
    for again in (core.Configurable.load_config_dict(config) for _ in range(2)):
        assert again.config_dict() == config
        again.train(2)
        groups = again.optimizer.param_groups
        assert len(groups) == 2  # of the head as well
        assert again.scheduler.num_step == 6
        assert [group["lr"] for group in groups] == pytest.approx([0.0, 0.0])
        assert again.meter.log_interval == 7


def test_other_schedules_move_once_an_epoch():
    _, _, heard = fit(2, scheduler=lambda optimizer: optim.lr_scheduler.StepLR(optimizer, 1, 0.5))
    assert values(heard.steps, "lr") == pytest.approx([0.1, 0.1, 0.05, 0.05])


@pytest.mark.parametrize("method", ["train", "fit"])
def test_plateau_needs_a_validation(method):
    task = Line()
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    engine = ResumableEngine(task, ITEMS, [], [], optimizer, scheduler)
    with pytest.raises(InputError, match="Set eval_metric to one; in Python call `fit`"):
        getattr(engine, method)(1)


def test_no_training_goes_on_past_the_end_of_its_schedule():
    """At a learning rate of 0, without a word."""
    engine, task, heard = fit(2, scheduler=LinearWarmupDecay)
    weight = task.weight.item()
    message = "scheduler: it ends after 4 optimizer steps, and the training after 6.*num_step: 6"
    engine.fit(2)  # the end it knows
    with pytest.raises(InputError, match=message):
        engine.train(1)
    assert (task.weight.item(), len(heard.steps)) == (weight, 4)
