"""What an evaluation is of, and in which state of the model."""

import pytest
import torch
from torch import nn, optim
from torchdrug import tasks

from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError

SETS = {"train": [1, 2, 3], "valid": [4, 5], "test": [6, 7, 8]}


class Toy(tasks.Task):
    """Keeps what an evaluation was given."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, batch):
        loss = self.predict(batch).square().mean()
        return loss, {"loss": loss}

    def predict(self, batch, all_loss=None, metric=None):
        return self.dropout(self.linear(batch["x"]))

    def target(self, batch):
        return torch.cat([batch["x"], torch.rand(len(batch["x"]), 1)], dim=1)  # as masks are drawn

    def evaluate(self, pred, target):
        self.pred = pred
        self.items, self.drawn = (column.tolist() for column in target.T)
        return {"loss": pred.mean()}


@pytest.fixture
def make():
    """Make an engine and its task."""

    def make(**options):
        task = Toy()
        optimizer = optim.SGD(task.parameters(), lr=0.01)
        sets = ([{"x": torch.tensor([float(x)])} for x in items] for items in SETS.values())
        return ResumableEngine(task, *sets, optimizer, batch_size=2, **options), task

    return make


@pytest.mark.parametrize("split", SETS)
def test_each_split_is_evaluated_on_its_own_items(make, split):
    engine, task = make()
    engine.evaluate(split, log=False)
    assert task.items == SETS[split]


def test_evaluation_after_training_is_without_dropout(make):
    engine, task = make()
    engine.train(1)
    engine.evaluate("test", log=False)
    expected = task.linear(torch.tensor([[6.0], [7.0], [8.0]]))
    torch.testing.assert_close(task.pred, expected)


def test_metrics_are_of_float32(make):
    engine, task = make(precision="bf16")
    engine.evaluate("test", log=False)
    assert task.pred.dtype == torch.float32


def test_evaluation_computes_in_the_precision_of_the_training(make):
    engine, task = make(precision="bf16")
    dtypes = []
    task.linear.register_forward_hook(lambda layer, given, out: dtypes.append(out.dtype))
    engine.evaluate("test", log=False)
    assert set(dtypes) == {torch.bfloat16}


def test_what_all_ranks_predict_is_evaluated(make, monkeypatch):
    engine, task = make()
    monkeypatch.setattr(engine, "world_size", 2)
    monkeypatch.setattr("protclip_td.engine.comm.cat", lambda part: torch.cat([part, part + 100]))
    engine.evaluate("test", log=False)
    assert task.items == [6, 7, 8, 106, 107, 108]
    assert len(task.pred) == 6


def test_each_evaluation_draws_the_same(make):
    """So that losses with masks compare between epochs."""
    engine, task = make()
    drawn = []
    for _ in range(2):
        engine.evaluate("valid", log=False)
        drawn.append(task.drawn)
        engine.train(1)
    assert drawn[0] == drawn[1]


def test_a_resumed_engine_has_the_seed_it_was_started_with(make):
    torch.manual_seed(1)
    state = make()[0].state_dict()
    torch.manual_seed(2)
    engine, _ = make()
    engine.load_state_dict(state, "last.pt")
    assert engine.seed == 1


def test_a_checkpoint_without_an_optimizer_gives_its_weights(make, tmp_path):
    task = make()[1]
    torch.save({"model": task.state_dict()}, tmp_path / "model.pt")
    other, fresh = make()
    with pytest.raises(InputError, match=r"model\.pt holds a model only; give load_op"):
        other.load(str(tmp_path / "model.pt"))
    other.load(str(tmp_path / "model.pt"), load_optimizer=False)
    assert torch.equal(fresh.linear.weight, task.linear.weight)


class Noisy:
    """Items with a random number."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {"x": torch.rand(1)}


def test_random_items_are_the_same_in_each_evaluation_and_others_in_each_epoch(make):
    """And others for another seed, in both."""
    evaluated, trained = [], []
    for seed in (0, 1):
        engine, task = make()
        engine.seed, engine.train_set, engine.valid_set = seed, Noisy(), Noisy()
        forward = task.forward
        task.forward = lambda batch, f=forward: (
            trained.extend(batch["x"].flatten().tolist()) or f(batch)
        )
        for _ in range(2):
            engine.train(1)
            engine.evaluate("valid", log=False)
            evaluated.append(task.items)
    assert evaluated[0] == evaluated[1]
    assert evaluated[2] == evaluated[3]
    assert set(evaluated[0]).isdisjoint(evaluated[2])
    assert len(set(trained)) == 2 * 2 * 4
