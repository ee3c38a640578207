"""What an engine does not do, and how it is broken off."""

import math
import signal

import pytest
import torch
from line_toy import ITEMS, Line, fit
from torch import nn, optim
from torchdrug import core

from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError
from protclip_td.training.checkpointing import Checkpoints, load_checkpoint
from protclip_td.training.signals import Interrupted


def test_a_checkpoint_of_torchdrug_s_engine_is_no_state_of_a_training(tmp_path):
    task = Line()
    options = (task, ITEMS, [], [], optim.SGD(task.parameters(), lr=0.1))
    core.Engine(*options).save(str(tmp_path / "stock.pth"))
    with pytest.raises(InputError, match=r"does not say how far the training was.* to `load`"):
        ResumableEngine(*options).resume(tmp_path / "stock.pth")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "engine: batch_size: 0 given; expected a number above 0"),
        ({"gradient_interval": 0}, "engine: gradient_interval: 0 given"),
        ({"log_interval": 0}, "engine: log_interval: 0 given"),
        ({"checkpoint_interval": 0}, "engine: checkpoint_interval: 0 given"),
        ({"early_stopping": 0}, "engine: early_stopping: 0 given"),
        ({"clip_grad_norm": 0.0}, "engine: clip_grad_norm: 0.0 given"),
        ({"clip_grad_norm": -1.0}, "engine: clip_grad_norm: -1.0 given"),
        ({"clip_grad_norm": math.nan}, "engine: clip_grad_norm: nan given"),
        ({"clip_grad_norm": "1"}, "engine: clip_grad_norm: '1' given; expected a number"),
        ({"num_worker": -1}, "engine: num_worker: -1 given; expected 0 or above"),
        ({"num_worker": 0.5}, "engine: num_worker: 0.5 given; expected a whole number"),
        ({"batch_size": "8"}, "engine: batch_size: '8' given; expected a whole number"),
        ({"gradient_interval": 1.5}, "engine: gradient_interval: 1.5 given; expected a whole"),
        ({"log_interval": 1.5}, "engine: log_interval: 1.5 given; expected a whole number"),
        ({"checkpoint_interval": 1.5}, "engine: checkpoint_interval: 1.5 given; expected a whole"),
        ({"early_stopping": 1.5}, "engine: early_stopping: 1.5 given; expected a whole number"),
        ({"plan": {"batch_per_epoch": 0}}, "batch_per_epoch: 0 given"),
        ({"num_epoch": -1}, "num_epoch: -1 given; expected 0 or above"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        fit(**{"num_epoch": 1, **options})


class NewHead(Line):
    """As TorchDrug's tasks do, it makes its head when it sees the data."""

    def preprocess(self, train_set, valid_set, test_set):
        self.head, self.num_class = nn.Linear(1, 1), len(train_set)


def test_a_second_engine_does_not_take_the_trained_head_away():
    task = NewHead()
    first = ResumableEngine(task, ITEMS, [], [], optim.SGD(task.parameters(), lr=0.1))
    head, before = task.head, task.state_dict()
    hook = task.register_forward_pre_hook(lambda *_: pytest.fail("it was removed"))
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    with pytest.raises(InputError, match="NewHead makes head anew for each engine, and the optim"):
        ResumableEngine(task, ITEMS[:3], [], [], optimizer)
    assert task.head is head
    assert task.num_class == len(ITEMS)
    hook.remove()
    assert all(torch.equal(value, before[key]) for key, value in task.state_dict().items())
    first.train(1)


def test_a_head_that_no_optimizer_trains_may_be_made_anew():
    task = NewHead()
    for items in (ITEMS, ITEMS[:3]):
        ResumableEngine(task, items, [], [], optim.SGD([task.weight], lr=0.1))
    assert task.num_class == 3


def test_an_engine_that_only_evaluates_needs_no_optimizer():
    engine = ResumableEngine(Line(), [], ITEMS, [], None)
    assert engine.evaluate("valid", log=False) == {"loss": 1.0}


def test_nothing_to_train_on():
    task = Line()
    engine = ResumableEngine(task, [], ITEMS, ITEMS, optim.SGD(task.parameters(), lr=0.1))
    with pytest.raises(InputError, match="the training set has no items"):
        engine.train(1)


def test_a_validation_set_too_small_for_the_processes_is_noticed_before_training(monkeypatch):
    task = Line()
    engine = ResumableEngine(task, ITEMS, ITEMS[:1], ITEMS, optim.SGD(task.parameters(), lr=0.1))
    monkeypatch.setattr(engine, "world_size", 2)
    with pytest.raises(InputError, match="valid split has 1 items, too few for 2 processes"):
        engine.fit(1)
    assert not task.seen


@pytest.fixture
def python_s_ctrl_c():
    """As in a terminal; what a shell puts into the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupting(Line):
    """Is interrupted behind the backward pass of its second batch."""

    def forward(self, batch):
        loss, metric = super().forward(batch)
        if len(self.seen) == 2:
            loss.backward(retain_graph=True)
            signal.raise_signal(signal.SIGINT)
        return loss, metric


@pytest.mark.parametrize("method", ["train", "fit"])
def test_ctrl_c_is_python_s_where_no_checkpoints_are_kept(method, python_s_ctrl_c):
    task = Interrupting()
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    engine = ResumableEngine(task, ITEMS, ITEMS[:1], ITEMS[:1], optimizer, batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        getattr(engine, method)(1)
    done = engine.position.step
    engine.train(1, batch_per_epoch=2)
    assert done == 1
    expected = -0.1 * (sum(task.seen[0]) + sum(task.seen[2])) / 2
    assert task.weight.item() == pytest.approx(expected)


def test_ctrl_c_waits_for_a_checkpoint_where_they_are_kept(tmp_path, python_s_ctrl_c):
    task = Interrupting()
    engine = ResumableEngine(
        task, ITEMS, ITEMS[:1], ITEMS[:1], optim.SGD(task.parameters(), lr=0.1), batch_size=2
    )
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(Interrupted):
        engine.fit(1, checkpoints=checkpoints)
    assert load_checkpoint(checkpoints.last)["position"]["step"] == 2
    with pytest.raises(KeyboardInterrupt):  # Python's again
        signal.raise_signal(signal.SIGINT)


LOST = "DataLoader worker (pid 7) is killed by signal: Terminated."


class Failing(Line):
    """Fails at the third batch, behind a signal if there is one."""

    def __init__(self, reason, signum=None):
        super().__init__()
        self.reason, self.signum = reason, signum

    def forward(self, batch):
        if len(self.seen) == 2:
            if self.signum:
                signal.raise_signal(self.signum)
            raise RuntimeError(self.reason)
        return super().forward(batch)


def test_a_sigterm_that_the_workers_obey_first_stops_with_the_last_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    task, plan = Failing(LOST, signal.SIGTERM), {"checkpoints": checkpoints}
    with pytest.raises(Interrupted) as stop:
        fit(1, task, plan=plan, gradient_interval=1, checkpoint_interval=2)
    assert (stop.value.code, stop.value.signal_name, stop.value.step) == (143, "SIGTERM", 2)
    assert load_checkpoint(checkpoints.last)["position"]["step"] == 2


@pytest.mark.parametrize(("reason", "signum"), [(LOST, None), ("a bug", signal.SIGTERM)])
def test_other_failures_are_not_taken_for_a_stop(reason, signum, tmp_path):
    with pytest.raises(RuntimeError, match=reason[:9]):
        fit(1, Failing(reason, signum), plan={"checkpoints": Checkpoints(tmp_path)})
