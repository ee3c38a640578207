"""Types of action on a network of proteins: the protocols, and runs of the shipped files."""

import gzip
import importlib
import json
import math
import os
from pathlib import Path

import graph_files
import pytest
import torch
from sklearn.metrics import average_precision_score
from torchdrug import core, models

from protclip_td import cli
from protclip_td.building import build
from protclip_td.config import load_config
from protclip_td.datasets import ProteinTable, STRINGActions
from protclip_td.engine import ResumableEngine
from protclip_td.errors import InputError
from protclip_td.models import ProtCLIP
from protclip_td.tasks import MultiLabelInteraction
from protclip_td.tasks.protein_vectors import protein_vectors

SEED = int(os.environ.get("SEED", 1))
EPOCHS = int(os.environ.get("EPOCHS", 40))
NETWORKS = ("SHS27k", "SHS148k", "STRING")
SMALL = {"node_dim": 64, "hidden_dim": 64}


@pytest.fixture(scope="module")
def data(sample_entries, tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    graph_files.write_string_actions(path, graph_files.two_kinds(sample_entries))
    return str(path)


@pytest.fixture(scope="module")
def model(tiny_protein_folder):
    return ProtCLIP(tiny_protein_folder).requires_grad_(False)


def make_engine(dataset, model, lr=1e-3, fused=False, **options):
    task = MultiLabelInteraction(model, **{**SMALL, **options})
    splits = dataset.split()
    task.preprocess(*splits)
    optimizer = torch.optim.Adam(task.head.parameters(), lr=lr, fused=fused)
    return ResumableEngine(task, *splits, optimizer, batch_size=32)


def as_set(pairs):
    return {tuple(pair) for pair in pairs.tolist()}


def pairs_of(dataset, subset):
    return as_set(dataset.network.pairs[list(subset.indices)])


@pytest.mark.parametrize("split", ["random", "bfs", "dfs"])
def test_clean_protocol_keeps_test_pairs_out(data, split):
    dataset = STRINGActions(data, split=split)
    train, valid, test = (pairs_of(dataset, part) for part in dataset.split())
    assert as_set(dataset.message_pairs()) == train
    assert not train & test
    assert not train & valid
    assert not valid & test
    assert len(train) + len(valid) + len(test) == len(dataset)
    assert dataset.manifest["selected_on"] == "valid"


def test_published_protocol_lets_test_pairs_speak_and_select(data):
    dataset = STRINGActions(data, protocol="published")
    train, valid, test = (pairs_of(dataset, part) for part in dataset.split())
    assert test < as_set(dataset.message_pairs())
    assert valid == test
    assert not train & test
    assert dataset.manifest["messages_over"] == "all pairs"
    assert dataset.manifest["selected_on"] == "test"
    assert test == pairs_of(dataset, STRINGActions(data).split()[2])


def trained(dataset, model):
    """What training leaves behind: the weights, and the epoch that was selected with its value."""
    torch.manual_seed(0)
    engine = make_engine(dataset, model)
    engine.fit(3, eval_metric="micro_f1")
    return engine.model.head.state_dict(), (engine.best.epoch, engine.best.value)


@pytest.mark.parametrize("protocol", ["clean", "published"])
def test_what_test_pairs_can_change(data, model, protocol):
    """Test pairs with other labels, and one of them elsewhere, against those of the file."""
    weights, selected = trained(STRINGActions(data, protocol=protocol), model)
    changed = STRINGActions(data, protocol=protocol)
    rows = list(changed.split()[2].indices)
    changed._targets[rows] = 1 - changed._targets[rows]
    other_weights, other_selected = trained(changed, model)
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)
    assert (selected == other_selected) == (protocol == "clean")
    changed.network.pairs[rows[0]] = [0, 47] if 0 not in changed.network.pairs[rows[0]] else [1, 46]
    other_weights, _ = trained(changed, model)
    same = all(torch.equal(weights[name], other_weights[name]) for name in weights)
    assert same == (protocol == "clean")


def test_evaluation_sees_the_network_as_training_does(data, model):
    """Running statistics of few steps would lag behind the weights."""
    engine = make_engine(STRINGActions(data), model, dropout=0)
    engine.train(3)
    batch = next(iter(torch.utils.data.DataLoader(engine.train_set, 50)))
    trained, evaluated = (engine.model.train(mode).predict(batch) for mode in (True, False))
    torch.testing.assert_close(evaluated, trained)


@pytest.mark.parametrize("fused", [False, True])  # PyTorch does not count fused steps
def test_each_evaluation_sees_the_network_with_the_weights_of_now(data, model, fused):
    engine, fresh = (make_engine(STRINGActions(data), model, fused=fused) for _ in range(2))
    before = engine.evaluate("valid", log=False)
    engine.train(2)
    fresh.model.head.load_state_dict(engine.model.head.state_dict())
    after, expected = (each.evaluate("valid", log=False) for each in (engine, fresh))
    assert after == expected != before


def test_area_is_that_of_all_decisions_together(model):
    pred, target = torch.randn(30, 7), (torch.rand(30, 7) < 0.3).float()
    found = MultiLabelInteraction(model).evaluate(pred, target)["auprc@micro"]
    expected = average_precision_score(target.flatten(), pred.flatten())
    assert found.item() == pytest.approx(expected)


@pytest.fixture(scope="module")
def networks(sample_entries, tmp_path_factory):
    """Three networks with the names and in the layouts of the benchmarks' three."""
    folder = tmp_path_factory.mktemp("networks")
    kinds = graph_files.two_kinds(sample_entries)
    for seed, name in enumerate(NETWORKS):
        written = graph_files.write_string_actions(folder / name, kinds, partners=12, seed=seed)
        for own, file in zip(STRINGActions.files["SHS27k"], STRINGActions.files[name]):
            rename(written / own[0], written / file[0])
    return folder


def rename(file, target):
    """Give a file of SHS27k another name, and STRING's layout if the name says so."""
    text = file.read_text()
    if ".fa" in target.suffixes:
        text = "".join(">{}\n{}\n".format(*line.split("\t")) for line in text.splitlines())
    file.unlink()
    target.write_bytes(gzip.compress(text.encode()) if target.suffix == ".gz" else text.encode())


class Composition(torch.nn.Module):
    """A fixed encoder: share of each amino acid, 0 where it is that of chance."""

    output_dim = 20

    def forward(self, graph, input, all_loss=None, metric=None):
        letters = torch.nn.functional.one_hot(graph.residue_type, 21)[:, :20].float()
        shares = [part.mean(0) for part in letters.split(graph.num_residues.tolist())]
        return {"graph_feature": 20 * torch.stack(shares) - 1}


def fit_and_test(dataset):
    torch.manual_seed(1)
    engine = make_engine(dataset, Composition(), lr=3e-3, dropout=0)
    engine.train(10)
    return float(engine.evaluate("test", log=False)["micro_f1"])


@pytest.mark.parametrize("name", NETWORKS)
def test_learns_and_shuffled_labels_teach_nothing(name, networks):
    """Over seeds: 0.79 or more against 0.40 or less."""
    dataset = STRINGActions(networks / name, name)
    assert fit_and_test(dataset) > 0.65
    shuffled = STRINGActions(networks / name, name)
    rows = torch.tensor(shuffled.split()[0].indices)
    shuffled._targets[rows] = shuffled._targets[rows[torch.randperm(len(rows))]]
    assert fit_and_test(shuffled) < 0.5


def vectors_of(task):
    """What the task keeps, or computes now."""
    return task._vectors.get([task.model], task._compute_vectors)


@pytest.mark.parametrize("part", ["", "model", "model.protein_encoder"])
def test_other_weights_give_other_vectors(data, tiny_protein_folder, part):
    """Wherever they are loaded."""
    engine = make_engine(STRINGActions(data), ProtCLIP(tiny_protein_folder).requires_grad_(False))
    task, batch = engine.model.eval(), {"node1": torch.arange(5), "node2": torch.arange(5, 10)}
    before, vectors = task.predict(batch), vectors_of(task)
    module = task.get_submodule(part)
    module.load_state_dict({name: 2 * tensor for name, tensor in module.state_dict().items()})
    assert not torch.allclose(vectors_of(task), vectors)
    assert not torch.allclose(task.predict(batch), before)


def test_another_network_has_other_vectors(data, model):
    task = make_engine(STRINGActions(data), model).model
    before = vectors_of(task)
    other = STRINGActions(data)
    other.sequences = other.sequences[::-1]
    task.preprocess(*other.split())
    torch.testing.assert_close(vectors_of(task), before.flip(0))


def test_training_after_an_evaluation_in_inference_mode(data, model):
    engine = make_engine(STRINGActions(data), model)
    with torch.inference_mode():
        engine.evaluate("test", log=False)
    before = [parameter.clone() for parameter in engine.model.parameters()]
    engine.train(1)
    assert not all(map(torch.equal, before, engine.model.parameters()))


def test_vectors_are_computed_once_and_kept_by_the_run(data, model):
    engine = make_engine(STRINGActions(data), model)
    task = engine.model
    engine.evaluate("valid", log=False)
    vectors = vectors_of(task)
    torch.testing.assert_close(vectors, model.protein_features(engine.train_set.dataset.sequences))
    engine.train(1)
    assert vectors_of(task) is vectors
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = protein_vectors(model, engine.train_set.dataset.sequences, torch.device("cpu"))
    assert torch.equal(again, vectors)
    assert not [name for name in task.state_dict() if "vectors" in name]


def test_vectors_of_an_encoder_in_half_precision_are_kept_in_float32():
    class Half(Composition):
        def forward(self, *args):
            return {"graph_feature": super().forward(*args)["graph_feature"].bfloat16()}

    vectors = protein_vectors(Half(), ["MKTAYIAK", "MK"], torch.device("cpu"))
    assert vectors.dtype == torch.float32


def test_reported_loss_is_without_gradient(data, model):
    task = make_engine(STRINGActions(data), model).model
    loss, named = task(
        {"node1": torch.arange(5), "node2": torch.arange(5, 10), "targets": torch.zeros(5, 7)}
    )
    assert loss.requires_grad
    assert not any(value.requires_grad for value in named.values())


def test_vectors_are_without_dropout():
    model = models.ProteinLSTM(21, 8, num_layers=2, dropout=0.5)
    first, again, expected = (
        protein_vectors(model.train(mode), ["MKTAYIAK", "MK"], torch.device("cpu"))
        for mode in (True, True, False)
    )
    assert torch.equal(first, expected)
    assert torch.equal(again, expected)


def test_a_fixed_part_stays_in_evaluation_mode_even_after_an_error(model, monkeypatch):
    model.train()
    model.protein_encoder.eval()
    modes = [module.training for module in model.modules()]
    protein_vectors(model, ["MKT", "MK"], torch.device("cpu"))
    assert [module.training for module in model.modules()] == modes
    monkeypatch.setattr(model, "forward", None)
    with pytest.raises(TypeError):
        protein_vectors(model, ["MKT"], torch.device("cpu"))
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize("name", ["shs27k", "string"])
def test_shipped_files_have_the_settings_of_gnn_ppi(name, data, monkeypatch):
    monkeypatch.setitem(STRINGActions.files, "STRING", STRINGActions.files["SHS27k"])
    flags = ["--path", data, "--encoder", "random:ESM-2-8M"]
    experiment = build(load_config(f"downstream/{name}", flags))
    head, dataset = experiment.task.head, experiment.dataset
    widths = (head.input.out_features, head.first.in_features, head.output.out_features)
    assert widths == (256, 512, 7)
    assert head.dropout == 0.5
    (group,) = experiment.engine.optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-3, 5e-4)
    assert experiment.engine.batch_size == 2048
    assert (dataset.protocol, dataset.manifest["network"].lower()) == ("clean", name)


def run(data, folder, *flags):
    common = [f"--path={data}", f"--output_dir={folder}", "--num_epoch=2", "--hidden_dim=32"]
    return cli.main(["run", "-c", "shs27k", *common, *flags])


def test_run(data, tiny_protein_folder, tmp_path):
    split_file = tmp_path / "split.json"
    flags = (f"--encoder={tiny_protein_folder}", "--split=dfs", f"--split_file={split_file}")
    assert run(data, tmp_path / "run", *flags) == 0
    (folder,) = (tmp_path / "run").glob("*-*")
    results = json.loads((folder / "results.json").read_text())
    assert 0 <= results["micro_f1"] <= 1
    assert all(math.isfinite(results[key]) for key in ("auprc@micro", "binary cross entropy"))
    manifest = json.loads((folder / "data_manifest.json").read_text())
    assert (manifest["protocol"], manifest["split_file"]) == ("clean", str(split_file))
    assert json.loads(split_file.read_text())["split"] == "dfs"


def test_an_encoder_that_would_be_trained_is_refused(data, tiny_protein_folder, tmp_path, capsys):
    flags = (f"--encoder={tiny_protein_folder}", "--fix_encoder=false")
    assert run(data, tmp_path / "run", *flags) == 2
    assert "set `fix_encoder: true`" in capsys.readouterr().err


def test_an_encoder_of_which_a_part_would_be_trained_is_refused(data, tiny_protein_folder):
    model = ProtCLIP(tiny_protein_folder).requires_grad_(False)
    next(model.parameters()).requires_grad_()
    with pytest.raises(InputError, match="its encoder cannot be trained"):
        make_engine(STRINGActions(data), model).evaluate("test", log=False)


def test_stock_engine_and_another_encoder(data):
    model = models.ProteinCNN(21, [16]).requires_grad_(False)
    task = MultiLabelInteraction(model, **SMALL)
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
    engine = core.Engine(task, *STRINGActions(data).split(), optimizer, batch_size=64)
    engine.train(1)
    assert set(engine.evaluate("test", log=False)) >= {"micro_f1", "auprc@micro"}


def test_slices(data):
    dataset = STRINGActions(data)
    assert [item["node1"] for item in dataset[:3]] == [dataset[i]["node1"] for i in range(3)]


def test_a_part_of_a_split(data, model):
    dataset = STRINGActions(data)
    train, valid, test = dataset.split()
    few = torch.utils.data.Subset(torch.utils.data.Subset(train, range(40)), range(20))
    task = MultiLabelInteraction(model, **SMALL)
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
    ResumableEngine(task, few, valid, test, optimizer, batch_size=20).train(1)
    assert task._dataset is dataset


def test_other_data_sets_are_refused(model, tmp_path):
    rows = [f"MK{'A' * i},1" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["sequence,y", *rows]))
    table = ProteinTable(str(tmp_path / "table.csv"), target="y")
    with pytest.raises(ValueError, match="ProteinTable given; expected a network of proteins"):
        MultiLabelInteraction(model).preprocess(*table.split())


def test_benchmark_of_size(monkeypatch, capsys):
    """The benchmark runs, on a network of another size than STRING's."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    benchmark = importlib.import_module("graph_ppi")
    monkeypatch.setattr(benchmark, "NUM_PROTEIN", 200)
    monkeypatch.setattr(benchmark, "NUM_PAIR", 3000)
    benchmark.main(["--width", "4"])
    said = capsys.readouterr().out
    assert "3,000 pairs, 2,160 of them train, width 4" in said
    assert "2 steps of 2,048 pairs" in said
    assert "peak memory of the process" in said
