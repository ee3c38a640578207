"""The arithmetic of a training, against what is worked out by hand."""

import itertools
import math
import os
import signal
from statistics import fmean
from types import SimpleNamespace

import pytest
import torch
from helpers import run_ranks
from torch import nn, optim
from torchdrug import core, tasks
from torchdrug.core import Registry as R
from torchdrug.utils import comm

from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError, TrainingError
from protclip_td.schedulers import LinearWarmupDecay
from protclip_td.training.checkpointing import Checkpoints, load_checkpoint
from protclip_td.training.listener import Listener
from protclip_td.training.signals import Interrupted

ITEMS = [{"x": torch.tensor([float(number)])} for number in range(1, 8)]


class Line(nn.Module, core.Configurable):
    """The loss is a weight times x, its gradient the mean x of a batch, whatever the weight.

    Validations report what they are told to, one after the other.
    """

    unit = "numbers"

    def __init__(self, reported=()):
        super().__init__()
        self.encoder = nn.Parameter(torch.zeros(1))  # without a gradient
        self.weight = nn.Parameter(torch.zeros(1))
        self.reported = list(reported)
        self.seen = []

    def forward(self, batch):
        assert self.training
        assert self.split == "train"
        self.seen.append(batch["x"].flatten().tolist())
        return (self.weight * batch["x"]).mean(), {"mean x": batch["x"].mean()}

    def predict_and_target(self, batch, all_loss=None, metric=None):
        return batch["x"], batch["x"]

    def evaluate(self, pred, target):
        assert self.split == "valid"
        return self.reported.pop(0) if self.reported else {"loss": 1.0}


class Heard(Listener):
    """Keeps what the loop tells."""

    def __init__(self):
        self.plans, self.steps, self.epochs = [], [], []

    def on_epoch_start(self, plan, epoch, step):
        self.plans.append(plan)

    def on_step(self, row):
        self.steps.append(row)

    def on_epoch(self, row):
        self.epochs.append(row)


def fit(num_epoch, task=None, items=ITEMS, scheduler=None, plan=(), state=None, **options):
    """Train; returns engine, task and what was heard. Four batches, two steps an epoch."""
    task = task or Line()
    groups = [{"params": [task.encoder], "lr": 0.01}, {"params": [task.weight]}]
    optimizer = optim.SGD(groups, lr=0.1)
    made = scheduler(optimizer) if scheduler else None
    options = {"batch_size": 2, "gradient_interval": 3, **options}
    engine = ResumableEngine(task, items, ITEMS[:2], ITEMS[:1], optimizer, made, **options)
    if state:
        engine.load_state_dict(state, "last.pt")
    heard = Heard()
    engine.fit(num_epoch, **dict(plan), listeners=[heard])
    return engine, task, heard


def values(rows, name):
    return [row[name] for row in rows]


def test_a_step_takes_the_mean_of_its_batches_also_where_they_are_fewer():
    _, task, heard = fit(2)
    steps = [task.seen[:3], task.seen[3:4], task.seen[4:7], task.seen[7:]]
    means = [fmean(map(fmean, step)) for step in steps]
    assert list(map(len, task.seen)) == [2, 2, 2, 1] * 2
    assert task.weight.item() == pytest.approx(-0.1 * sum(means))
    assert values(heard.steps, "gradient norm") == pytest.approx(means)
    assert values(heard.steps, "mean x") == pytest.approx(means)
    averages = [fmean(means[:2]), fmean(means[2:])]
    assert values(heard.epochs, "train mean x") == pytest.approx(averages)


def test_clipped_steps_are_as_long_as_allowed_and_report_the_whole_norm():
    _, task, heard = fit(1, clip_grad_norm=0.5)
    assert task.weight.item() == pytest.approx(-0.1 * 0.5 * 2, rel=1e-4)
    assert min(values(heard.steps, "gradient norm")) >= 1


def test_an_epoch_has_each_item_once_in_an_order_of_its_own():
    orders = []
    for seed in (0, 5):
        torch.manual_seed(seed)
        _, task, _ = fit(2)
        flat = [x for batch in task.seen for x in batch]
        orders += [flat[:7], flat[7:]]
    assert all(sorted(order) == [1, 2, 3, 4, 5, 6, 7] for order in orders)
    assert len(set(map(tuple, [*orders, range(1, 8)]))) == 5


class Noisy(list):
    """Items with noise of their own."""

    def __getitem__(self, row):
        return {"x": super().__getitem__(row)["x"] + torch.rand(1)}


def test_an_epoch_draws_its_items_anew():
    _, task, _ = fit(2, items=Noisy(ITEMS))
    seen = [x for batch in task.seen for x in batch]
    assert len(set(seen)) == 14


def test_a_shorter_epoch_has_fewer_steps():
    warmup = {"scheduler": lambda optimizer: LinearWarmupDecay(optimizer, warmup_ratio=0.5)}
    _, task, heard = fit(2, plan={"batch_per_epoch": 3}, gradient_interval=1, **warmup)
    assert len(task.seen) == 6
    assert [plan.steps_per_epoch for plan in heard.plans] == [3, 3]
    rates = [1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3]
    # Of two groups the head's rate is shown, and that with which the step was taken.
    assert values(heard.steps, "lr") == pytest.approx([0.1 * rate for rate in rates])


def test_a_step_that_fp16_leaves_out_leaves_the_rate_where_it_is():
    huge = [{"x": torch.tensor([1e34])}]  # times the first scale it is infinite, not times the next
    warmup = {"scheduler": lambda optimizer: LinearWarmupDecay(optimizer, warmup_ratio=1.0)}
    _, task, heard = fit(2, items=huge, precision="fp16", **warmup)
    assert values(heard.steps, "lr") == pytest.approx([0.05, 0.05])
    assert values(heard.steps, "gradient norm") == pytest.approx([math.inf, 1e34])
    assert task.weight.item() == pytest.approx(-0.05 * 1e34)


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


@pytest.mark.parametrize("method", ["train", "fit"])
def test_plateau_needs_a_validation(method):
    task = Line()
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    engine = ResumableEngine(task, ITEMS, [], [], optimizer, scheduler)
    with pytest.raises(InputError, match="Set eval_metric to one; in Python call `fit`"):
        getattr(engine, method)(1)


def test_a_checkpoint_of_torchdrug_s_engine_is_no_state_of_a_training(tmp_path):
    task = Line()
    options = (task, ITEMS, [], [], optim.SGD(task.parameters(), lr=0.1))
    core.Engine(*options).save(str(tmp_path / "stock.pth"))
    with pytest.raises(InputError, match=r"does not say how far the training was.* to `load`"):
        ResumableEngine(*options).resume(tmp_path / "stock.pth")


def test_no_training_goes_on_past_the_end_of_its_schedule():
    """At a learning rate of 0, without a word."""
    engine, task, heard = fit(2, scheduler=LinearWarmupDecay)
    weight = task.weight.item()
    message = "scheduler: it ends after 4 optimizer steps, and the training after 6.*num_step: 6"
    engine.fit(2)  # the end it knows
    with pytest.raises(InputError, match=message):
        engine.train(1)
    assert (task.weight.item(), len(heard.steps)) == (weight, 4)


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
        ({"num_worker": -1}, "engine: num_worker: -1 given; expected 0 or above"),
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


def test_speed_counts_items(monkeypatch):
    clock = SimpleNamespace(perf_counter=itertools.count().__next__)  # each step takes a second
    monkeypatch.setattr("protclip_td.training.loop.time", clock)
    _, _, heard = fit(1)
    assert values(heard.steps, "numbers_per_s") == [6, 1]
    assert values(heard.epochs, "seconds") == [2]


@pytest.mark.parametrize(
    ("name", "reported", "best"),
    [
        ("accuracy", [0.1, 0.3, 0.2], 2),
        ("loss", [3.0, 1.0, 2.0], 2),
        ("loss", [2.0, 2.0, 3.0], 1),  # the first of equals
        ("accuracy", [math.nan, 0.1, math.nan], 2),
        ("accuracy", [math.nan, math.nan, math.nan], 1),
        (None, [0.3, 0.2, 0.1], 3),  # nothing decides: the last counts
    ],
)
def test_the_checkpoint_of_the_best_epoch_is_kept(name, reported, best, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    task = Line({name or "accuracy": value} for value in reported)
    engine, _, _ = fit(3, task, plan={"eval_metric": name, "checkpoints": checkpoints})
    assert load_checkpoint(checkpoints.best)["position"]["epoch"] == best
    assert load_checkpoint(checkpoints.last)["position"]["epoch"] == 3
    assert engine.best.epoch == (best if name else None)


def test_checkpoints_come_every_few_steps(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoints, "save", lambda self, state, _: saved.append(state["position"]))
    fit(2, plan={"checkpoints": Checkpoints(tmp_path)}, gradient_interval=1, checkpoint_interval=3)
    places = [(position["epoch"], position["step"]) for position in saved]
    assert places == [(0, 3), (1, 4), (1, 6), (2, 8)]


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


def test_ctrl_c_waits_for_a_checkpoint_where_they_are_kept(tmp_path):
    task = Interrupting()
    engine = ResumableEngine(
        task, ITEMS, ITEMS[:1], ITEMS[:1], optim.SGD(task.parameters(), lr=0.1), batch_size=2
    )
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(Interrupted):
        engine.fit(1, checkpoints=checkpoints)
    assert load_checkpoint(checkpoints.last)["position"]["step"] == 2


def test_patience_counts_from_the_best():
    task = Line({"loss": value} for value in (3.0, 4.0, 2.0, 2.5, 2.0, 1.0))
    engine, _, heard = fit(6, task, early_stopping=2)
    assert values(heard.epochs, "valid loss") == [3.0, 4.0, 2.0, 2.5, 2.0]
    engine.train(2, batch_per_epoch=1)  # goes on: without a validation none is worse
    assert (len(task.seen), engine.position.epoch) == (5 * 4 + 2, 7)


@pytest.mark.parametrize("plan", [{}, {"checkpoint_interval": 1}])
def test_weights_that_are_no_numbers_are_never_kept(plan, tmp_path):
    """A step too far shows in the next step's loss, and the last one has none."""
    checkpoints, task = Checkpoints(tmp_path), Line()
    fit(1, task, plan={"checkpoints": checkpoints}, gradient_interval=4)
    before = checkpoints.last.read_bytes()
    groups = [{"params": [task.encoder]}, {"params": [task.weight], "lr": math.inf}]
    other = optim.SGD(groups, lr=0.1)
    engine = ResumableEngine(task, ITEMS, ITEMS[:1], ITEMS[:1], other, batch_size=7, **plan)
    message = r"1 of 2 weight tensors became NaN or infinite by step 1, weight among .*last\.pt`"
    with pytest.raises(TrainingError, match=message):
        engine.fit(1, checkpoints=checkpoints)
    assert checkpoints.last.read_bytes() == before


def test_a_resumed_training_knows_its_best_epoch():
    state = fit(1, Line([{"loss": 1.0}]))[0].state_dict()
    worse = Line([{"loss": 3.0}, {"loss": 2.0}])
    engine, _, _ = fit(4, worse, state=state, early_stopping=2)
    assert (engine.best.epoch, engine.best.value, engine.position.epoch) == (1, 1.0, 3)


def run_rank(rank, folder):
    """One of two processes, with a global seed of its own."""
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    comm.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.manual_seed(5 + rank)
    _, task, heard = fit(1)
    torch.save([task.seen, values(heard.steps, "mean x")], f"{folder}/{rank}.pt")


def test_two_processes_share_the_items_and_report_the_mean_of_both(tmp_path):
    run_ranks(run_rank, str(tmp_path))
    (seen, reported), (other, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert {x for batch in [*seen, *other] for x in batch} == {1, 2, 3, 4, 5, 6, 7}
    assert reported == pytest.approx([fmean(map(fmean, [*seen, *other]))])


def test_weights_that_are_no_numbers_end_a_training_without_checkpoints():
    task = Line()
    optimizer = optim.SGD([task.weight], lr=math.inf)
    engine = ResumableEngine(task, ITEMS, ITEMS[:1], ITEMS[:1], optimizer, batch_size=7)
    with pytest.raises(
        TrainingError, match=r"weight tensors became NaN .*start a new run with the"
    ):
        engine.train(1)


def test_fixed_weights_may_be_infinite():
    task = Line()
    task.encoder.requires_grad_(False).fill_(-math.inf)
    _, _, heard = fit(1, task)
    assert len(heard.epochs) == 1


@pytest.mark.parametrize("numbers", [(math.nan, 1.0), (1.0, math.nan)])
def test_a_loss_that_is_no_number_is_found_in_any_batch_of_a_step(numbers):
    items = [{"x": torch.tensor([number])} for number in numbers]
    with pytest.raises(TrainingError, match="The mean x became NaN at step 1"):
        fit(1, items=items, batch_size=1)
