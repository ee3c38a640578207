"""Classes of a module in the current folder, in processes of their own."""

import re
import shlex
import subprocess
import sys

import pytest

MODULE = """
import os
import signal

import torch
from torch import nn
from torchdrug import core, tasks
from torchdrug.core import Registry as R

from protclip_td.datasets import ProteinTable


@R.register("models.OwnEncoder")
class OwnEncoder(nn.Module, core.Configurable):
    output_dim = 8

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(32, 8)

    def forward(self, graph, input, all_loss=None, metric=None):
        states = self.embedding(graph.residue_type)
        means = [part.mean(0) for part in states.split(graph.num_residues.tolist())]
        return {"residue_feature": states, "graph_feature": torch.stack(means)}


@R.register("datasets.OwnTable")
class OwnTable(ProteinTable):
    pass


@R.register("tasks.OwnTask")
class OwnTask(tasks.PropertyPrediction):
    def forward(self, batch):
        if os.path.exists("stop"):
            os.remove("stop")
            os.kill(os.getpid(), signal.SIGINT)
        return super().forward(batch)
"""
CONFIG = """
output_dir: runs
dataset: {class: own_parts.OwnTable, path: table.csv, target: family, target_type: class}
task: {class: own_parts.OwnTask, model: {{ encoder }}, criterion: ce, metric: acc}
optimizer: {class: Adam, lr: 0.001}
engine: {batch_size: 8}
train: {num_epoch: 1}
"""
# The folder of a script stands on the path, and not the current one.
SCRIPT = "import sys\nfrom protclip_td_command import main\nsys.exit(main())\n"


@pytest.fixture
def place(tmp_path):
    """A folder with a module, and a table and a configuration for it."""
    (tmp_path / "own_parts.py").write_text(MODULE)
    (tmp_path / "own.yaml").write_text(CONFIG)
    rows = [f"{'ACDEFGHIKL'[i % 10]}{'MNPQRSTVWY'[i // 10]},{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "table.csv").write_text("\n".join(["sequence,family", *rows]))
    (tmp_path / "stop").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "protclip-td").write_text(SCRIPT)
    return tmp_path


@pytest.mark.parametrize("program", ["protclip-td run", "python -m torchdrug.run"])
def test_a_run_and_the_command_that_goes_on_with_it(program, place):
    def start(command, status):
        command = command.replace("protclip-td", f"python {place}/bin/protclip-td", 1)
        words = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(
            words, cwd=place, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == status, done.stderr
        return " ".join(done.stdout.split())

    out = start(f"{program} -c own.yaml --encoder own_parts.OwnEncoder", 130)
    (command,) = re.findall(r"Go on with: (\S.* --resume \S+)", out)
    assert command.startswith(program)
    out = start(command, 0)
    assert "Resuming from" in out
    assert "accuracy" in out
