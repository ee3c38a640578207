"""Tasks that compare proteins with texts, without training."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import downstream_files as files
import pytest
import torch
from helpers import tiny_model
from torch.nn import functional as F
from torch.utils.data import Subset
from torchdrug.data import PackedProtein

from protclip_td.building import build
from protclip_td.building.experiment import build_task
from protclip_td.config import load_config
from protclip_td.datasets import ProteinTable
from protclip_td.errors import InputError
from protclip_td.metrics import ranking_metrics
from protclip_td.models import ProtCLIP
from protclip_td.run import run
from protclip_td.tasks import ProteinTextRetrieval, ZeroShotClassification
from protclip_td.tasks.shared_space import embed_texts


@pytest.fixture(scope="module")
def checkpoint(tiny_protein_folder, tiny_text_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model(tiny_protein_folder, tiny_text_folder).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def experiment(request, tmp_path, monkeypatch, checkpoint):
    """One of the configurations with its tiny files."""
    files.make(request.param, tmp_path / "data", monkeypatch)
    flags = [f"--path={tmp_path}/data", f"--checkpoint={checkpoint}", f"--output_dir={tmp_path}/r"]
    return build(load_config(request.param, flags))


def expected_cosines(experiment, checkpoint, texts):
    """By the model's own functions, one sequence after the other."""
    model = ProtCLIP.from_pretrained(checkpoint)
    dataset = experiment.dataset
    sequences = [dataset.sequences[i] for i in experiment.splits[2].indices]
    return model.encode_protein(sequences) @ model.encode_text(texts).T, model


SUB_TEXTS = {0: "Cell membrane", 2: "Endoplasmic reticulum (ER)", 9: "Extracellular"}


@pytest.mark.parametrize("experiment", ["zero_shot_sub"], indirect=True)
def test_the_nearest_text_is_predicted(experiment, checkpoint):
    texts = experiment.task.texts
    assert len(texts) == 10
    assert {i: texts[i] for i in SUB_TEXTS} == {
        i: f"SUBCELLULAR LOCATION: {name}." for i, name in SUB_TEXTS.items()
    }
    cosine, model = expected_cosines(experiment, checkpoint, texts)
    target = torch.tensor([item["localization"] for item in experiment.splits[2]])
    metric = experiment.engine.evaluate("test", log=False)
    right = (cosine.argmax(1) == target).float().mean()
    assert float(metric["accuracy [localization]"]) == pytest.approx(float(right))
    assert metric["chance accuracy [localization]"] == 0.1
    assert 0 < metric["largest class [localization]"] < 0.5
    graph = experiment.splits[2][0]["graph"]
    logits = experiment.task.predict({"graph": graph.pack([graph])})
    assert torch.allclose(logits, cosine[:1] * model.logit_scale.exp(), atol=1e-4)


def test_the_scale_of_the_logits_ends_at_100(model):
    """As in training (CLIP): a checkpoint may have a larger one."""
    graph = PackedProtein.from_sequence(["MKV", "MLAGG"], atom_feature=None, bond_feature=None)
    graph.view = "residue"
    task = ZeroShotClassification(model, "y", ["in", "out"]).eval()
    task.preprocess(None, None, None)
    cosine = task.predict({"graph": graph}) / model.logit_scale.exp()
    model.logit_scale.data.fill_(5.0)  # e^5 = 148
    logits = task.predict({"graph": graph})
    torch.testing.assert_close(logits, 100 * cosine)


@pytest.mark.parametrize("experiment", ["zero_shot_reaction"], indirect=True)
def test_reactions_bring_their_names(experiment):
    assert experiment.task.texts[0] == "FUNCTION: heme oxidase. heme oxygenase."
    assert experiment.task.texts[1] == "FUNCTION: alcohol dehydrogenase."
    metric = experiment.engine.evaluate("test", log=False)
    assert 0 <= metric["accuracy [label]"] <= 1


@pytest.mark.parametrize("experiment", ["text_to_protein"], indirect=True)
def test_text_to_protein_retrieval(experiment, checkpoint):
    texts = experiment.task.texts
    assert texts == [f"FUNCTION: {name}." for name in files.GO_TERMS["MF"].values()]
    cosine, _ = expected_cosines(experiment, checkpoint, texts)
    target = torch.stack([item["targets"] for item in experiment.splits[2]])
    metric = experiment.engine.evaluate("test", log=False)
    expected = ranking_metrics(cosine.T, target.T.bool(), (1, 10, 20))
    for key, value in expected.items():
        assert metric[key] == pytest.approx(value, abs=1e-6)
    assert metric["number of candidates"] == len(target)
    assert metric["number of queries"] == target.any(0).sum()


@pytest.fixture
def model(checkpoint):
    return ProtCLIP.from_pretrained(checkpoint)


@pytest.mark.parametrize("labels", [[2, 0, 3, 1], [2, 0, 3]])
def test_each_text_finds_the_proteins_of_its_own_label(model, labels):
    """Also where one between the others has none."""
    task = ProteinTextRetrieval(model, ["ATP binding", "membrane", "heme", "the cell"])
    task.preprocess(None, None, None)
    label = torch.tensor(labels)
    protein = embed_texts(model, task.texts)[label]  # each where the text of its label is
    right, wrong = (F.one_hot(labels, 4).float() for labels in (label, label.roll(1)))
    assert task.evaluate(protein, right)["mrr filtered"] == 1
    assert task.evaluate(protein, wrong)["mrr filtered"] < 0.6


def test_labels_that_nobody_has_are_no_queries(model):
    task = ProteinTextRetrieval(model, ["a", "b", "c"])
    task.preprocess(None, None, None)
    protein = F.normalize(torch.randn(4, 16), dim=1)
    target = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]])
    assert task.evaluate(protein, target)["number of queries"] == 2
    with pytest.raises(InputError, match=r"no protein .* has a label, .* Evaluate another split"):
        task.evaluate(protein, torch.zeros(4, 3))
    with pytest.raises(InputError, match=r"2 labels, but 3 texts .* Give `labels` one name for"):
        task.evaluate(protein, target[:, :2])


def test_the_projection_is_not_applied_twice(checkpoint, model):
    other = ProtCLIP.from_pretrained(checkpoint, readout="projection")
    graph = PackedProtein.from_sequence(["MKV", "MLAGG"], atom_feature=None, bond_feature=None)
    graph.view = "residue"
    logits = []
    for each in (model, other):
        task = ZeroShotClassification(each, "y", ["in", "out"]).eval()
        task.preprocess(None, None, None)
        logits.append(task.predict({"graph": graph}))
    assert torch.allclose(*logits, atol=1e-5)


@pytest.mark.parametrize("task", [ZeroShotClassification, ProteinTextRetrieval])
def test_mistakes(task, model, tiny_protein_folder):
    with pytest.raises(InputError, match=f"{task.__name__} compares proteins with texts"):
        task(ProtCLIP(tiny_protein_folder))
    with pytest.raises(InputError, match=r"template: 'no place' given; expected a text with one"):
        task(model, labels=["a"], template="no place").preprocess(None, None, None)
    with pytest.raises(InputError, match="needs the names of the labels: give them as `labels`"):
        task(model).preprocess(None, None, [])
    with pytest.raises(InputError, match="nothing to train: it takes the model as it is"):
        task(model, labels=["a"]).forward({})


def test_missing_classes_do_not_count(model):
    task = ZeroShotClassification(model, "y", ["in", "out"])
    task.texts = ["in", "out"]
    pred = torch.tensor([[2.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 1.0]])
    target = task.target({"y": torch.tensor([0, float("nan"), 1, 0])})
    metric = task.evaluate(pred, target)
    assert metric["accuracy [y]"] == pytest.approx(2 / 3)
    assert metric["largest class [y]"] == pytest.approx(2 / 3)


def test_a_class_without_a_text(model):
    task = ZeroShotClassification(model, "y", ["in", "out"])
    task.preprocess(None, None, None)
    with pytest.raises(InputError, match=r"class 2 of 'y' has no text; 2 given\. Give `labels`"):
        task.evaluate(torch.zeros(3, 2), torch.tensor([0, 1, 2]))


@pytest.mark.parametrize(
    ("task", "target_type"), [(ZeroShotClassification, "class"), (ProteinTextRetrieval, "labels")]
)
def test_a_table_names_its_classes_also_to_a_part_of_it(task, target_type, model, tmp_path):
    rows = [f"MK{'A' * i},{'Nucleus' if i % 2 else 'Membrane'}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["sequence,place", *rows]))
    table = ProteinTable(str(tmp_path / "table.csv"), "place", target_type)
    whole, part = (task(model, template="In the {}.") for _ in range(2))
    whole.preprocess(*table.split())
    part.preprocess(*(Subset(split, range(2)) for split in table.split()))
    expected = {f"In the {name}." for name in ("Membrane", "Nucleus")}
    assert set(whole.texts) == set(part.texts) == expected
    for split in table.split():
        for sequence, item in ((table.sequences[row][0], table[row]) for row in split.indices):
            number = item["place"] if target_type == "class" else int(item["targets"].argmax())
            assert whole.texts[number] == f"In the {('Membrane', 'Nucleus')[len(sequence) % 2]}."


def test_a_target_that_is_no_class(model, tmp_path):
    rows = [f"MK{'A' * i},0.5" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["sequence,y", *rows]))
    table = ProteinTable(str(tmp_path / "table.csv"), "y")
    task = ZeroShotClassification(model, labels=["in", "out"])
    with pytest.raises(
        InputError, match=r"ProteinTable, item \d+: 'y' is 0.5; expected the number"
    ):
        task.preprocess(*table.split())


@pytest.mark.parametrize(
    ("dataset", "found"),
    [
        ([], "no targets as its `tasks`"),
        (SimpleNamespace(tasks=[]), "no targets as its `tasks`"),
        (
            SimpleNamespace(tasks=[f"GO:{i}" for i in range(538)]),
            "538 targets, GO:0, GO:1, GO:2, GO:3, GO:4 and 533 more",
        ),
    ],
)
def test_a_target_has_to_be_named_unless_there_is_just_one(model, dataset, found):
    task = ZeroShotClassification(model, labels=["in", "out"])
    with pytest.raises(InputError, match=f"task: the data set has {found}; give the one to pred"):
        task.preprocess(None, None, dataset)


def test_labels_are_no_single_string(model):
    with pytest.raises(InputError, match=r"expected a list of labels; .* write \['pqr'\]"):
        ProteinTextRetrieval(model, labels="pqr").preprocess(None, None, None)


@pytest.fixture
def published(checkpoint, tmp_path):
    """The checkpoint as it is published: without a tokenizer."""
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(Path(checkpoint) / name, folder)
    return str(folder)


@pytest.mark.parametrize("task", [ZeroShotClassification, ProteinTextRetrieval])
def test_a_checkpoint_without_tokenizer_needs_one(task, published, checkpoint, tiny_text_folder):
    model = ProtCLIP.from_pretrained(published)
    message = rf"{task.__name__} reads texts, and the checkpoint has no tokenizer.*--tokenizer"
    with pytest.raises(InputError, match=message):
        task(model, labels=["ATP binding"])
    task(model, labels=["ATP binding"], tokenizer=tiny_text_folder)
    expected = ProtCLIP.from_pretrained(checkpoint).encode_text(["ATP binding"])
    torch.testing.assert_close(model.encode_text(["ATP binding"]), expected)


def test_a_tokenizer_of_another_encoder(published, tiny_text_folder, tmp_path):
    words = (Path(tiny_text_folder) / "vocab.txt").read_text()
    (tmp_path / "vocab.txt").write_text(words + "kinase\n")
    with pytest.raises(InputError, match=r"has \d+ tokens, of which the text encoder knows \d+"):
        ZeroShotClassification(ProtCLIP.from_pretrained(published), "y", tokenizer=str(tmp_path))


def test_another_tokenizer_reads_the_texts_anew(checkpoint, model, tiny_text_folder, tmp_path):
    words = (Path(tiny_text_folder) / "vocab.txt").read_text().split()
    (tmp_path / "vocab.txt").write_text("\n".join([*words[:5], *words[:4:-1], ""]))
    before = model.encode_text(["cell membrane"])
    ZeroShotClassification(model, "y", tokenizer=str(tmp_path))
    unread = ProtCLIP.from_pretrained(checkpoint)
    ZeroShotClassification(unread, "y", tokenizer=str(tmp_path))
    after = model.encode_text(["cell membrane"])
    torch.testing.assert_close(after, unread.encode_text(["cell membrane"]))
    assert not torch.allclose(after, before)


@pytest.mark.parametrize("name", ["zero_shot_sub", "text_to_protein"])
def test_what_a_checkpoint_says_is_kept_for_the_next_run(name, checkpoint, tmp_path, monkeypatch):
    files.make(name, tmp_path / "data", monkeypatch)
    flags = [f"--path={tmp_path}/data", f"--checkpoint={checkpoint}", f"--output_dir={tmp_path}/r"]
    run(load_config(name, [*flags, "--fix_encoder=true"]))
    monkeypatch.setattr(ProtCLIP, "forward", None)
    run(load_config(name, [*flags, "--fix_encoder=true"]))
    first, second = (path.read_text() for path in tmp_path.glob("r/*/results.json"))
    assert first == second


@pytest.mark.parametrize("name", ["zero_shot_sub", "zero_shot_reaction", "text_to_protein"])
def test_the_shipped_files_take_a_tokenizer(name, published, tiny_text_folder):
    flags = [f"--checkpoint={published}", f"--tokenizer={tiny_text_folder}"]
    task = build_task(load_config(name, flags), None)
    assert task.model.text_encoder.tokenizer is not None


def test_one_of_several_targets_has_to_be_named(model):
    task = ZeroShotClassification(model, labels=["in", "out"])
    with pytest.raises(InputError, match="has 2 targets, y, z; give the one to predict as `task`"):
        task.preprocess(None, None, SimpleNamespace(tasks=["y", "z"]))
