"""A task whose training can be worked out by hand."""

import torch
from torch import nn, optim
from torchdrug import core

from protclip_td.engine import ResumableEngine
from protclip_td.training.listener import Listener

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
        self.plans, self.starts, self.steps, self.epochs = [], [], [], []

    def on_epoch_start(self, plan, epoch, step):
        self.plans.append(plan)
        self.starts.append((epoch, step))

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
