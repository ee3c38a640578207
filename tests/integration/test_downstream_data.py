"""Benchmarks on single proteins and pairs, from files in the real layout to the metric."""

import json
import math
import re
import shlex
from pathlib import Path

import downstream_files as files
import pytest
import torch
from linear_heads import HEADLINES, as_numbers, experiment_of, features_and_targets, ridge
from torchdrug import models, tasks
from torchdrug.datasets import Solubility

from protclip_td import cli, datasets
from protclip_td.benchmark import BENCHMARKS
from protclip_td.building import build
from protclip_td.config import find_config, load_config
from protclip_td.config.manual import header
from protclip_td.errors import InputError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["sub", "ec", "beta_lactamase", "aav", "human_ppi"])
def test_tuning(name, folder, monkeypatch, tiny_protein_folder):
    """As shipped, with the crop of long proteins; the encoder is trained, too."""
    files.make(name, folder, monkeypatch)
    experiment = experiment_of(name, folder, tiny_protein_folder, "--batch_size=16")
    before = [p.clone() for p in experiment.task.model.parameters()]
    experiment.engine.fit(1)
    assert all(not torch.equal(a, b) for a, b in zip(before, experiment.task.model.parameters()))
    metric = experiment.engine.evaluate("test", log=False)
    assert math.isfinite(metric[HEADLINES[name]])


def test_each_benchmark_on_single_proteins_or_pairs_is_tried():
    """Those that train on a graph have their own tests, and can train the head alone."""
    assert list(HEADLINES) == [b.name for b in BENCHMARKS if b.trained == "all"]


def test_another_data_set_of_one_class_per_protein(folder, monkeypatch, tiny_protein_folder):
    """The base of `bin` and `sub` says nothing of places in the cell but in its header."""
    files.make_classes(Solubility, "solubility", 2, folder, monkeypatch)
    flags = ["--dataset=Solubility", "--fix_encoder=true"]
    experiment = experiment_of("protein_classes", folder, tiny_protein_folder, *flags)
    experiment.engine.fit(1)
    metric = experiment.engine.evaluate("test", log=False)
    assert math.isfinite(metric["accuracy [solubility]"])


@pytest.mark.parametrize("name", HEADLINES)
def test_labels_teach_something_and_shuffled_labels_nothing(
    name, folder, monkeypatch, tiny_protein_folder
):
    monkeypatch.setattr(files, "SIZES", (64, 16, 32))
    files.make(name, folder, monkeypatch)
    experiment = experiment_of(name, folder, tiny_protein_folder, "--fix_encoder=true")
    task = experiment.task
    feature, target = features_and_targets(experiment, "train")
    test_feature, test_target = features_and_targets(experiment, "test")

    def score(labels):
        pred = ridge(feature, as_numbers(task, labels), test_feature)
        return float(task.evaluate(pred, test_target)[HEADLINES[name]])

    shuffled = torch.tensor([score(target[torch.randperm(len(target))]) for _ in range(20)])
    # What knowing nothing but the labels' frequencies gives; no rank correlation is none.
    frequency = as_numbers(task, target).mean(0).expand(len(test_target), -1)
    chance = float(task.evaluate(frequency, test_target)[HEADLINES[name]].nan_to_num())
    assert score(target) > shuffled.mean() + 2 * shuffled.std()
    assert shuffled.mean() < chance + 0.2


# What both have below the data set's class and path.
RESIDUES_ONLY = """\
  atom_feature: null
  bond_feature: null
  transform:
    class: Compose
    transforms:
      - class: ProteinView
        view: "residue"
"""
PEER = f"""\
output_dir: {{folder}}/runs

dataset:
  class: Fluorescence
  path: {{folder}}
{RESIDUES_ONLY}
task:
  class: PropertyPrediction
  model:
    class: ProteinCNN
    input_dim: 21
    hidden_dims: [32, 32]
    kernel_size: 5
    padding: 2
    readout: max
  criterion: mse
  metric: ['mae', 'rmse', 'spearmanr']
  normalization: False
  num_mlp_layer: 2

eval_metric: {{eval_metric}}

optimizer:
  class: Adam
  lr: 2.0e-5

engine:
  gpus: [0]
  batch_size: 64

train:
  num_epoch: 2
"""


@pytest.mark.parametrize("eval_metric", ["spearmanr", "rmse", "mae"])
def test_a_configuration_of_peer_runs_unchanged(eval_metric, folder, tmp_path, monkeypatch):
    files.make("fluorescence", folder, monkeypatch)
    path = tmp_path / "peer.yaml"
    path.write_text(PEER.format(folder=folder, eval_metric=eval_metric))
    assert cli.main(["run", "-c", str(path)]) == 0
    (results,) = folder.glob("runs/*/results.json")
    found = json.loads(results.read_text())
    assert {"mean absolute error", "root mean squared error", "spearmanr"} == {
        key.partition(" [")[0] for key in found if "[" in key
    }


# The keys and variables of ProtST's downstream configurations, with ours as the model.
PROTST = """\
output_dir: FOLDER/runs
checkpoint: {{{{ checkpoint }}}}

dataset:
  class: {{{{ dataset }}}}
  path: FOLDER
{dataset}
{residues_only}\
      - class: TruncateProtein
        max_length: 550

task:
  class: {task}
  model: {{class: ProtCLIP, protein_encoder: ENCODER}}
{settings}
  num_mlp_layer: 2

eval_metric: {eval_metric}

optimizer:
  class: Adam
  lr: 1.0e-4

{mode}

engine:
  gpus: [0, 1, 2, 3]
  batch_size: 2
  log_interval: 1000

train:
  num_epoch: 1
"""
ANNOTATION = {
    "dataset": "  branch: {{ branch }}\n  test_cutoff: 0.95",
    "task": "MultipleBinaryClassification",
    "settings": "  criterion: bce\n  metric: ['auprc@micro', 'f1_max']",
    "eval_metric": "f1_max",
    "mode": "lr_ratio: 0.1",
}
FITNESS = {
    "dataset": "",
    "task": "PropertyPrediction",
    "settings": '  criterion: mse\n  metric: ["mae", "rmse", "spearmanr"]\n  normalization: False',
    "eval_metric": "spearmanr",
    "mode": "fix_encoder: True",
}
LOCALIZATION = {
    **FITNESS,
    "settings": '  criterion: ce\n  metric: ["acc", "mcc"]\n  num_class: {{ num_class }}',
    "eval_metric": "accuracy",
}


@pytest.mark.parametrize(
    ("name", "parts", "flags"),
    [
        ("ec", ANNOTATION, ["--dataset=td_datasets.EnzymeCommission", "--branch=null"]),
        ("aav", FITNESS, ["--dataset=td_datasets.AAV"]),
        ("fluorescence", FITNESS, ["--dataset=Fluorescence"]),
        ("bin", LOCALIZATION, ["--dataset=BinaryLocalization", "--num_class=2"]),
    ],
)
def test_configurations_of_protst_run_with_our_model(
    name, parts, flags, folder, tmp_path, monkeypatch, tiny_protein_folder
):
    files.make(name, folder, monkeypatch)
    text = PROTST.format(**parts, residues_only=RESIDUES_ONLY).replace("FOLDER", str(folder))
    (tmp_path / "protst.yaml").write_text(text.replace("ENCODER", tiny_protein_folder))
    command = ["run", "-c", str(tmp_path / "protst.yaml"), "--checkpoint=null", *flags]
    assert cli.main(command) == 0
    assert len([*folder.glob("runs/*/results.json")]) == 1


def test_peers_configuration_of_classes(folder, monkeypatch):
    """With `eval_metric: acc`, which TorchDrug reports as accuracy."""
    files.make("bin", folder, monkeypatch)
    config = load_config("bin", [f"--path={folder}", "--encoder=ProteinCNN", "--num_epoch=1"])
    config.task.model = {"class": "ProteinCNN", "input_dim": 21, "hidden_dims": [16]}
    config.eval_metric = "acc"
    experiment = build(config)
    assert isinstance(experiment.task.model, models.ProteinCNN)
    assert isinstance(experiment.task, tasks.PropertyPrediction)
    experiment.engine.fit(1, eval_metric="acc")
    assert 0 <= experiment.engine.best.value <= 1


def test_cross_species_pairs(folder, monkeypatch, tiny_protein_folder):
    files.make("human_ppi", folder, monkeypatch)
    options = [folder, tiny_protein_folder, "--test_split=cross_species_test"]
    splits = experiment_of("human_ppi", *options).splits
    start = sum(files.SIZES)
    assert list(splits[2].indices) == list(range(start, start + files.SIZES[2]))


@pytest.mark.parametrize(("name", "key"), [("sub", "graph"), ("human_ppi", "graph1")])
@pytest.mark.parametrize("is_fixed", [True, False])
def test_a_fixed_encoder_reads_whole_proteins_unless_told_otherwise(
    name, key, is_fixed, folder, monkeypatch, tiny_protein_folder
):
    files.make(name, folder, monkeypatch)

    def longest(*flags):
        flags = [f"--fix_encoder={is_fixed}", *flags]
        dataset = experiment_of(name, folder, tiny_protein_folder, *flags).dataset
        return max(int(dataset[i][key].num_residue) for i in range(4))

    assert longest("--max_length=30") == 30
    assert longest() > 30


@pytest.mark.parametrize("name", files.NAMES)
def test_commands_in_headers(name):
    """Each configuration names itself; its command has no mistake."""
    text = "\n".join(header(find_config(name).read_text()))
    (command,) = re.findall(r"^ +(python .*)$", text, re.MULTILINE)
    words = shlex.split(command)
    assert words[:5] == ["python", "-m", "torchdrug.run", "-c", name]
    checkpoint = Path(__file__).resolve().parents[1] / "data" / "released_tiny"
    config = load_config(name, [*words[5:-1], str(checkpoint)])
    assert config.output_dir == f"runs/{name}"


@pytest.mark.parametrize(
    ("name", "what", "prefix"),
    [("ec", "ECSequences", "nrPDB-EC_2020.04"), ("go_cc", "GOSequences", "nrPDB-GO_2019.06.18")],
)
def test_missing_data_in_one_message(name, what, prefix, tmp_path, tiny_protein_folder, capsys):
    words = ["--path", str(tmp_path / "data"), "--encoder", tiny_protein_folder]
    url = "https://nowhere.invalid/"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("protclip_td.datasets.deepfri_files.URL", url)
        assert cli.main(["run", "-c", name, *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {what}: {prefix}_annot.tsv and 4 more are missing and")
    for ending in ("annot.tsv", "test.csv", "train.txt", "valid.txt", "sequences.fasta"):
        assert f"from:   {url}{prefix}_{ending}\n" in said


def test_no_text_side(folder, monkeypatch, tiny_protein_folder):
    files.make("zero_shot_sub", folder, monkeypatch)
    with pytest.raises(InputError, match=r"compares proteins with texts, and this model has no"):
        experiment_of("zero_shot_sub", folder, tiny_protein_folder)


FETCHED = {"AAV": {}, "ECSequences": {}, "GOSequences": {}, "PROBE": {"aspect": "MF"},
           "PrimeKG": {}, "Reaction": {}, "STRINGActions": {}, "Thermostability": {}}  # fmt: skip


@pytest.mark.parametrize("name", FETCHED)
def test_a_tilde_is_the_home_folder(name, tmp_path, monkeypatch, offline):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"folder: {tmp_path}/data"):
        getattr(datasets, name)("~/data", **FETCHED[name])
    assert not (tmp_path / "~").exists()
