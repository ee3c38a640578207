"""The arithmetic of a training, against what is worked out by hand."""

import itertools
import math
import os
from statistics import fmean
from types import SimpleNamespace

import pytest
import torch
from helpers import run_ranks
from line_toy import ITEMS, Line, fit, values
from torch import optim
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel
from torchdrug import core
from torchdrug.utils import comm

from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError, TrainingError
from protclip_td.schedulers import LinearWarmupDecay
from protclip_td.training.checkpointing import Checkpoints, load_checkpoint


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


def test_speed_counts_items(monkeypatch):
    clock = SimpleNamespace(perf_counter=itertools.count().__next__)  # each step takes a second
    monkeypatch.setattr("protclip_td.training.loop.time", clock)
    _, _, heard = fit(2)
    assert values(heard.steps, "numbers_per_s") == [6, 1, 6, 1]
    assert values(heard.epochs, "seconds") == [2, 2]


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
    before = reported[:1] if name else []  # the metric is looked for before the first epoch
    task = Line({name or "accuracy": value} for value in before + reported)
    engine, _, _ = fit(3, task, plan={"eval_metric": name, "checkpoints": checkpoints})
    assert load_checkpoint(checkpoints.best)["position"]["epoch"] == best
    assert load_checkpoint(checkpoints.last)["position"]["epoch"] == 3
    assert engine.best.epoch == (best if name else None)


def test_an_unknown_metric_is_told_before_the_first_step():
    task = Line()
    with pytest.raises(InputError, match=r"eval_metric: 'los' is not among .* mean `loss`"):
        fit(1, task, plan={"eval_metric": "los"})
    assert task.seen == []


def test_a_training_without_a_validation_set():
    task = Line()
    optimizer = optim.SGD(task.parameters(), lr=0.1)
    engine = ResumableEngine(task, ITEMS, None, None, optimizer, batch_size=7)
    engine.fit(1)
    assert engine.position.epoch == 1


def test_a_metric_that_the_first_batch_lacks_is_no_mistake():
    task = Line([{"loss": 1.0}, {"loss": 1.0, "auroc": 0.5}, {"auroc": 0.75}])
    engine, _, _ = fit(1, task, plan={"eval_metric": "auroc"})
    assert engine.best.value == 0.75


def test_checkpoints_come_every_few_steps(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoints, "save", lambda self, state, _: saved.append(state["position"]))
    fit(2, plan={"checkpoints": Checkpoints(tmp_path)}, gradient_interval=1, checkpoint_interval=3)
    places = [(position["epoch"], position["step"]) for position in saved]
    assert places == [(0, 3), (1, 4), (1, 6), (2, 8)]


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


def test_a_resumed_training_goes_on_in_its_epoch(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    fit(2, plan={"checkpoints": checkpoints}, gradient_interval=1, checkpoint_interval=3)
    state = load_checkpoint(checkpoints.previous)
    _, _, heard = fit(3, state=state, gradient_interval=1)
    assert heard.starts == [(2, 2), (3, 0)]
    assert values(heard.steps, "step") == [7, 8, 9, 10, 11, 12]


class Logger(core.LoggerBase):
    """Keeps what TorchDrug's meter logs: where, at which step or epoch, and which numbers."""

    def __init__(self):
        self.logged = []

    def log(self, record, step_id, category="train/batch"):
        self.logged.append((category, step_id, *record))

    def log_config(self, config):
        pass


def test_torchdrug_s_meter_hears_of_each_epoch_and_of_a_step_now_and_then():
    logger = Logger()
    fit(2, gradient_interval=1, logger=logger, log_interval=3)
    steps = [("train/batch", step, "mean x") for step in (0, 3, 6)]
    epochs = [
        (f"{split}/epoch", epoch, name)
        for epoch in (1, 2)
        for split, name in (("train", "mean x"), ("valid", "loss"))
    ]
    assert logger.logged == [*steps[:2], *epochs[:2], steps[2], *epochs[2:]]


def test_a_loss_without_a_gradient_is_told():
    class Empty(Line):
        def forward(self, batch):
            loss, metric = super().forward(batch)
            return loss.detach(), metric

    with pytest.raises(InputError, match=r"its loss has no gradient. Is its criterion empty\?"):
        fit(1, Empty())


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
    reductions = []
    whole = DistributedDataParallel.__init__

    def count_reductions(model, *args, **options):
        whole(model, *args, **options)
        model.register_comm_hook(reductions, _count_and_reduce)

    DistributedDataParallel.__init__ = count_reductions
    _, task, heard = fit(1)
    kept = [task.seen, values(heard.steps, "mean x"), task.weight.item(), len(reductions)]
    torch.save(kept, f"{folder}/{rank}.pt")


def _count_and_reduce(reductions, bucket):
    reductions.append(bucket.index())
    return allreduce_hook(None, bucket)


def test_two_processes_share_the_items_and_report_the_mean_of_both(tmp_path):
    run_ranks(run_rank, str(tmp_path))
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    batches = [*first[0], *second[0]]
    assert {x for batch in batches for x in batch} == {1, 2, 3, 4, 5, 6, 7}
    mean = fmean(map(fmean, batches))
    assert first[1] == pytest.approx([mean])
    assert second[1] == []  # the first alone reports
    # Two batches on each make one step, before which gradients are exchanged once.
    assert len(first[0]) == 2
    assert first[2:] == second[2:] == [pytest.approx(-0.1 * mean), 1]


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
