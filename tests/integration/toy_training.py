"""A training of seconds with everything that resuming has to get right.

The task draws dropout from the global generator and the items draw noise from all three; batches
are accumulated, gradients clipped, the learning rate moves with each step, and the training set
is redrawn each epoch.
"""

import importlib
import json
import multiprocessing
import os
import random
import resource
import signal
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import nn, optim
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.utils import comm

import protclip_td.run
from protclip_td.building import Experiment
from protclip_td.config.loading import Config
from protclip_td.engine import ResumableEngine
from protclip_td.schedulers import LinearWarmupDecay
from protclip_td.training.console import Console
from protclip_td.training.random_state import seed_everything

# Imported on first use otherwise; children forked from a server that has them start faster.
for _name in ("torch._dynamo", "matplotlib.figure", "matplotlib.backends.backend_agg"):
    importlib.import_module(_name)

NUM_ITEM = 11
FORWARDS_PER_EPOCH = 6


class ToySet(torch_data.Dataset):
    """11 vectors with noise, other ones each epoch."""

    def __init__(self, num_item=NUM_ITEM):
        self.num_item = num_item
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return self.num_item

    def __getitem__(self, index):
        base = torch.linspace(0, 1, 4) * (1 + index) + self.epoch
        noise = torch.rand(4) + np.random.rand() + random.random()
        return {"x": base / 10 + noise, "accession": f"P{index}"}


class ToyTask(nn.Module, core.Configurable):
    """Reconstruct the vector; `at` maps the number of a training batch to what happens there.

    Under ``"evaluate 6"`` there is what happens in an evaluation after batch 6.
    """

    unit = "vectors"
    min_batch_size = 1

    def __init__(self, at=None):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 4))
        self.at = at or {}
        self.count = 0

    def forward(self, batch):
        self.count += 1
        event = self.at.get(self.count)
        loss = (self.model(batch["x"]) - batch["x"]).square().mean()
        if event is not None:
            loss = event(loss)
        return loss, {"toy loss": loss}

    def predict_and_target(self, batch, all_loss=None, metric=None):
        return self.model(batch["x"]), batch["x"]

    def evaluate(self, pred, target):
        event = self.at.get(f"evaluate {self.count}")
        if event is not None:
            event(None)
        return {"loss": (pred - target).square().mean(), "accuracy": torch.tensor(0.5)}


def toy_experiment(at=None, **options):
    """What `build` makes of a config: ranks draw other random numbers."""
    seed_everything(comm.get_rank())
    splits = [ToySet(), ToySet(5), ToySet(4)]
    task = ToyTask(at)
    optimizer = optim.Adam(task.parameters(), lr=0.02)
    scheduler = LinearWarmupDecay(optimizer, warmup_ratio=0.3)
    settings = {"batch_size": 2, "gradient_interval": 2, "clip_grad_norm": 1.0}
    settings |= {"checkpoint_interval": 2, **options}
    engine = ResumableEngine(task, *splits, optimizer, scheduler, **settings)
    return Experiment(ToySet(), splits, task, engine)


def toy_config(output_dir, **settings):
    """A config of three epochs, nine optimizer steps."""
    config = Config({"output_dir": str(output_dir), "train": {"num_epoch": 3}, **settings})
    object.__setattr__(config, "rendered", "train: {num_epoch: 3}\n")
    return config


def rows(folder, kind):
    """The rows of a kind ("step", "epoch", …) in a run's metrics."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


def run_toy(output_dir, resume=None, at=None, settings=None, **options):
    """Run the toy through `protclip_td.run.run`."""
    torch.set_num_threads(1)
    with patch.object(protclip_td.run, "build", lambda config: toy_experiment(at, **options)):
        protclip_td.run.run(toy_config(output_dir, **(settings or {})), resume)


def run_child(folder, resume=None, at=None, rank=None, port=None, **options):
    """`run_toy` as the whole of a process, its output kept in a file."""
    if rank is not None:
        os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
        os.environ.update(MASTER_PORT=str(port))
    multiprocessing.set_start_method("fork", force=True)  # of data-loader workers, as usual
    output = os.open(f"{folder}.out{rank or ''}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    run_toy(folder, resume, at, **options)


def kill_now(loss):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_while_saving(loss):
    """Let the next checkpoint end in the middle of its file."""

    def save_half(state, file):
        file.write(b"half")
        file.flush()
        kill_now(None)

    torch.save = save_half
    return loss


def fill_disk(loss):
    """Let the system refuse every file over 4 kB from now on, as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    return loss


def interrupt(loss):
    os.kill(os.getpid(), signal.SIGINT)
    return loss


def terminate(loss):
    os.kill(os.getpid(), signal.SIGTERM)
    return loss


def interrupt_twice(loss):
    interrupt(loss)
    time.sleep(1.2)
    interrupt(loss)
    time.sleep(60)


def interrupt_after_agreeing(loss):
    """Send SIGINT in the optimizer's step: for this step the ranks have agreed to go on."""

    def once(*_):
        hook.remove()
        interrupt(None)

    hook = register_optimizer_step_pre_hook(once)
    return loss


def interrupt_and_pass_on(loss):
    """Send SIGINT, and both signals again while the checkpoint is written, as torchrun can."""
    save = torch.save

    def save_amid_signals(state, file):
        terminate(None)
        interrupt(None)
        save(state, file)

    torch.save = save_amid_signals
    return interrupt(loss)


def say_slowly(loss):
    """Let there be time to end in before the user is told of the stop."""
    say = Console.say

    def later(console, text=""):
        time.sleep(1 if text.startswith("Stopped by") else 0)
        say(console, text)

    Console.say = later
    return loss


def become_nan(loss):
    return loss * float("nan")


def only_run(output_dir):
    """The run folder made in there."""
    (folder,) = Path(output_dir).iterdir()
    return folder
