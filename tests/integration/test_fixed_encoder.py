"""Runs with a fixed encoder keep what it says; runs of no epoch only evaluate."""

import csv
import json
import random

import pytest
import torch
from torchdrug import tasks
from torchdrug.models import ProteinBERT

from protclip_td.building import build
from protclip_td.building.experiment import split
from protclip_td.building.keeping import keep_encoder_features
from protclip_td.building.parameters import freeze
from protclip_td.config import load_config
from protclip_td.data.proteins import to_protein
from protclip_td.datasets import protein_table
from protclip_td.models import ProtCLIP
from protclip_td.run import run
from protclip_td.training.checkpointing import load_checkpoint
from protclip_td.training.loop import TrainingLoop

CONFIG = """\
output_dir: {{ output_dir }}
dataset: {class: ProteinTable, path: {{ data }}, target: length, target_type: number, split: split}
task:
  class: PropertyPrediction
  model: {{ encoder }}
  criterion: mse
  metric: [mae, spearmanr]
  num_mlp_layer: 2
eval_metric: mean absolute error
fix_encoder: true
optimizer: {class: Adam, lr: 1e-2}
engine: {batch_size: 4}
train: {num_epoch: {{ num_epoch | default(2) }}}
"""


@pytest.fixture
def flags(tmp_path, tiny_protein_folder):
    draw = random.Random(0)
    with open(tmp_path / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sequence", "length", "split"])
        for i in range(24):
            length = draw.randint(5, 40)
            sequence = "".join(draw.choices("ACDEFGHIKLMNPQRSTVWY", k=length))
            writer.writerow([sequence, length, ("train", "train", "valid", "test")[i % 4]])
    (tmp_path / "config.yaml").write_text(CONFIG)
    return [
        *("--output_dir", str(tmp_path / "runs"), "--data", str(tmp_path / "table.csv")),
        *("--encoder", tiny_protein_folder),
    ]


def results(folder):
    (path,) = folder.glob("runs/*/results.json")
    return json.loads(path.read_text())


def test_kept_features_change_no_result(flags, tmp_path, monkeypatch):
    config = load_config(tmp_path / "config.yaml", flags)
    asked, made = [], []
    monkeypatch.setattr(
        protein_table, "to_protein", lambda sequence: made.append(sequence) or to_protein(sequence)
    )
    forward = ProtCLIP.forward
    monkeypatch.setattr(
        ProtCLIP, "forward", lambda *args, **kw: asked.append(len(args[1])) or forward(*args, **kw)
    )
    run(config)
    kept = results(tmp_path)
    # Each protein once, in two epochs with validation and a test; and at first whether what it says
    # about the smallest depends on a longer one beside it.
    assert sum(asked) == 24 + 3
    # Each protein once, in two epochs; those of training also for TorchDrug's count of targets.
    assert len(made) == 24 + 12
    (path,) = tmp_path.glob("runs/kept_features/*/*.rows")
    assert path.stat().st_size == 24 * (16 + 4 * 32 + 4)

    engine = build(load_config(tmp_path / "config.yaml", flags)).engine
    engine.fit(kept["epoch"])
    expected = {name: float(value) for name, value in engine.evaluate("test").items()}
    assert {name: kept[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert sum(asked) == 24 + 3 + kept["epoch"] * (12 + 6) + 6


def test_checkpoints_share_the_encoder_that_is_written_once(flags, tmp_path, monkeypatch):
    config = load_config(tmp_path / "config.yaml", [*flags, "--num_epoch", "3"])
    run(config)
    (tmp_path / "runs").rename(tmp_path / "uninterrupted")
    whole_epoch = TrainingLoop._epoch

    def stop_in_the_third(loop):
        if loop.position.epoch == 2:
            raise KeyboardInterrupt
        whole_epoch(loop)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingLoop, "_epoch", stop_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    (folder,) = tmp_path.glob("runs/*/checkpoints")
    assert (folder / "fixed.pt").stat().st_size > 2 * (folder / "last.pt").stat().st_size
    run(config, resume=folder.parent)
    (expected,) = tmp_path.glob("uninterrupted/*/checkpoints")
    for name in ("best.pt", "last.pt"):
        found, wanted = (load_checkpoint(path / name)["model"] for path in (folder, expected))
        assert found.keys() == wanted.keys() == build(config).task.state_dict().keys()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_no_epoch_only_evaluates(flags, tmp_path, capsys):
    without_optimizer = CONFIG.replace("optimizer: {class: Adam, lr: 1e-2}\n", "")
    (tmp_path / "config.yaml").write_text(without_optimizer)
    run(load_config(tmp_path / "config.yaml", [*flags, "--num_epoch", "0"]))
    assert results(tmp_path)["epoch"] == 0
    printed = capsys.readouterr().out
    assert "Without training, on the test split" in printed
    assert "Next:" not in printed
    assert not list(tmp_path.glob("runs/*/model"))
    with pytest.raises(ValueError, match="optimizer: missing; the block `optimizer:` is needed"):
        load_config(tmp_path / "config.yaml", flags)


def test_no_epoch_needs_no_training_set():
    class TestOnly:
        def split(self):
            return [[], [], [1, 2]]

    assert split(TestOnly(), None, may_be_empty=True) == [[], [], [1, 2]]
    with pytest.raises(ValueError, match="TestOnly: the training set is empty"):
        split(TestOnly(), None)


def test_a_fixed_encoder_has_no_dropout_in_training():
    model = ProteinBERT(21, hidden_dim=8, num_layers=1, num_heads=2, intermediate_dim=8)
    freeze(model)
    task = tasks.PropertyPrediction(model, task=["length"])
    task.train()
    assert task.training
    assert not any(module.training for module in task.model.modules())


def test_only_what_reads_the_graph_feature_alone_is_kept(tiny_protein_folder, tmp_path):
    class OwnTask(tasks.PropertyPrediction):
        """It may read residues, for all that is known."""

    class OwnTaskThatSaysSo(OwnTask):
        reads_only_graph_feature = True

    def kept(task_class, fixed=True, **options):
        model = ProtCLIP(protein_encoder=tiny_protein_folder)
        if fixed:
            freeze(model)
        return keep_encoder_features(task_class(model, **options), tmp_path)

    assert kept(tasks.PropertyPrediction)
    assert kept(tasks.InteractionPrediction)
    assert kept(tasks.MultipleBinaryClassification)
    assert kept(OwnTaskThatSaysSo)
    assert not kept(OwnTask)
    assert not kept(tasks.NodePropertyPrediction)
    assert not kept(tasks.PropertyPrediction, fixed=False)
    assert not kept(tasks.PropertyPrediction, graph_construction_model=torch.nn.Identity())
