"""ProtCLIP in the place of an encoder in TorchDrug's own tasks, from the shipped YAML files.

Real sequences with real labels from the built-in sample; a tiny encoder of random weights.
"""

import math
from pathlib import Path
from typing import NamedTuple

import pytest
import sequence_tables as tables
import torch
from torchdrug import data
from torchdrug.models import ProteinCNN

from protclip_td.building import build
from protclip_td.config import load_config
from protclip_td.models import ProtCLIP

NUM_EPOCH = 6
LR, LR_RATIO = 0.005, 0.02


class Case(NamedTuple):
    """A shipped configuration: a table for it, and what it reports."""

    write: object
    metrics: set


CASES = {
    "property_regression": Case(
        tables.write_regression,
        {"mean absolute error [label]", "root mean squared error [label]", "spearmanr [label]"},
    ),
    "property_classification": Case(
        tables.write_classification,
        {"accuracy [label]", "matthews correlation coefficient [label]"},
    ),
    "multiple_binary": Case(tables.write_labels, {"auprc@micro", "f1_max"}),
    "interaction": Case(
        tables.write_pairs,
        {"accuracy [label]", "matthews correlation coefficient [label]"},
    ),
    "residue": Case(tables.write_residues, {"micro_acc", "macro_acc"}),
}


@pytest.fixture(scope="module")
def proteins(sample_path):
    return tables.read_proteins(sample_path)


@pytest.fixture
def released_folder():
    """A tiny checkpoint in the layout of the published weights."""
    return str(Path(__file__).resolve().parents[1] / "data" / "released_tiny")


@pytest.fixture
def flags(request, proteins, tmp_path):
    """Flags for the configuration that a test names first."""
    case = CASES[request.node.callspec.params["name"]]
    path = case.write(proteins, tmp_path / "table.csv")
    return [
        *(f"--data={path}", "--target=label", "--split=split", f"--output_dir={tmp_path}/run"),
        *(f"--num_epoch={NUM_EPOCH}", "--batch_size=4", f"--lr={LR}", f"--lr_ratio={LR_RATIO}"),
    ]


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(before, module):
    """Names of the tensors that are no longer what they were, bit for bit."""
    after = module.state_dict()
    assert before.keys() == after.keys()
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


@torch.no_grad()
def training_loss(experiment):
    """Mean loss of the training set with the weights as they are."""
    engine = experiment.engine
    engine.model.eval()
    batches = data.DataLoader(engine.train_set, batch_size=8)
    return sum(engine.model(batch)[0].item() for batch in batches) / len(batches)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fix_encoder", [False, True], ids=["tuned", "fixed"])
def test_trains(name, fix_encoder, flags, tiny_protein_folder):
    flags += [f"--encoder={tiny_protein_folder}", f"--fix_encoder={fix_encoder}"]
    experiment = build(load_config(f"downstream/{name}", flags))
    task = experiment.task
    encoder, head = weights(task.model), weights(task.mlp)
    loss = training_loss(experiment)
    rates = {id(p): g["lr"] for g in experiment.engine.optimizer.param_groups for p in g["params"]}

    experiment.engine.fit(NUM_EPOCH)

    assert training_loss(experiment) < 0.9 * loss
    assert changed(head, task.mlp) == set(head)
    assert {rates.pop(id(parameter)) for parameter in task.mlp.parameters()} == {LR}
    if fix_encoder:
        assert not changed(encoder, task.model)
        assert not rates
    else:
        assert changed(encoder, task.model) == {n for n, _ in task.model.named_parameters()}
        assert set(rates.values()) == {LR * LR_RATIO}
    for split in ("valid", "test"):
        metric = experiment.engine.evaluate(split, log=False)
        assert set(metric) == CASES[name].metrics
        assert all(math.isfinite(value) for value in metric.values())


@pytest.mark.parametrize("name", ["property_classification"])
def test_published_weights_and_the_shared_space(name, flags, released_folder):
    block = f"{{class: ProtCLIP, checkpoint: {released_folder}, readout: projection}}"
    flags += [f"--encoder={block}", "--num_epoch=1"]
    experiment = build(load_config(f"downstream/{name}", flags))
    model = experiment.task.model
    before = weights(model)
    published = ProtCLIP.from_pretrained(released_folder)
    assert not changed(weights(published), model)
    assert experiment.task.mlp.layers[0].in_features == published.projection_dim

    experiment.engine.train(1)

    trained_parts = {tensor.split(".")[0] for tensor in changed(before, model)}
    assert trained_parts == {"protein_encoder", "protein_projection"}


@pytest.mark.parametrize("name", CASES)
def test_other_encoders_fit_in_the_same_file(name, flags):
    """What runs here is TorchDrug's pipeline: its own CNN stands in the same file as well."""
    block = "{class: ProteinCNN, input_dim: 21, hidden_dims: [32, 32], kernel_size: 5, padding: 2}"
    flags += [f"--encoder={block}", "--lr_ratio=1"]
    experiment = build(load_config(f"downstream/{name}", flags))
    assert isinstance(experiment.task.model, ProteinCNN)
    loss = training_loss(experiment)
    experiment.engine.fit(NUM_EPOCH)
    assert training_loss(experiment) < loss
