"""ProtAnno as TorchDrug sees it: stock loader and engine, splits, a new draw each epoch."""

import json
import logging
import pickle
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
import torch
from helpers import assert_equal_packs
from torch import nn
from torch.utils import data as torch_data
from torchdrug import core, data
from torchdrug.data import PackedProtein

from protclip_td.datasets import PropertyDrivenSampler, ProtAnno
from protclip_td.errors import InputError
from protclip_td.training.loading import (
    BatchIndices,
    SeededBatches,
    make_loader,
    training_indices,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the store of the built-in sample is made once."""
    return tmp_path_factory.mktemp("protanno")


@pytest.fixture
def dataset(folder):
    return ProtAnno(folder)


def rows(subset):
    return list(subset.indices)


def test_it_is_registered_and_keeps_its_arguments(folder):
    assert core.Registry.search("ProtAnno") is ProtAnno
    config = ProtAnno(str(folder), seed=3, coverages=[4]).config_dict()
    copy = core.Configurable.load_config_dict(config)
    assert copy.config_dict() == config
    assert rows(copy.split()[0]) == rows(ProtAnno(folder, seed=3, coverages=[4]).split()[0])


def test_a_training_split_comes_back_from_its_configuration(folder):
    train, valid, _ = ProtAnno(folder, seed=3, coverages=[4]).split()
    copy = core.Configurable.load_config_dict(train.config_dict())
    copy.set_epoch(1)
    train.set_epoch(1)
    assert rows(copy) == rows(train)
    assert len(core.Configurable.load_config_dict(valid.config_dict())) == len(valid)


def test_an_item(dataset, sample_entries):
    item = dataset[3]
    (entry,) = (entry for entry in sample_entries if entry.accession == item["accession"])
    assert item["biotext"] == entry.biotext
    assert tuple(item["property_text"].values()) == entry.properties
    assert list(item["property_text"]) == [
        "protein_name",
        "function",
        "subcellular_location",
        "similarity",
    ]
    assert bytes(item["graph"].residue_letter.tolist()).decode() == entry.sequence
    assert item["index"] == 3


@pytest.mark.parametrize(("options", "kept"), [({}, False), ({"keep_evidence": True}, True)])
def test_evidence_tags_are_left_out_unless_asked_for(tmp_path, options, kept):
    """They are tokens without meaning to the text encoder."""
    text = "PROTEIN NAME: Insulin. FUNCTION: Lowers glucose. {ECO:0000269|PubMed:1}."
    lines = [json.dumps({"seq": "MK" * n, "text": text}) for n in range(1, 20)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    dataset = ProtAnno(tmp_path, str(tmp_path / "pairs.jsonl"), coverages=[2], **options)
    item = dataset[0]
    assert ("{ECO:" in item["biotext"]) is kept
    assert ("{ECO:" in item["property_text"]["function"]) is kept


@pytest.mark.parametrize("num_worker", [0, 2])
def test_batches_by_torchdrugs_stock_loader(dataset, num_worker):
    train_set = dataset.split()[0]
    loader = data.DataLoader(train_set, 4, num_workers=num_worker)
    batch = next(iter(loader))
    assert isinstance(batch["graph"], PackedProtein)
    assert len(batch["graph"]) == len(batch["biotext"]) == len(batch["accession"]) == 4
    assert batch["index"].tolist() == rows(train_set)[:4]
    assert all(len(texts) == 4 for texts in batch["property_text"].values())
    letters = bytes(batch["graph"].residue_letter.tolist()).decode()
    assert letters == "".join(dataset.store[row].sequence[:1022] for row in rows(train_set)[:4])


def test_a_batch_in_one_go_is_that_of_torchdrugs_collate(folder):
    dataset = ProtAnno(folder, max_residues=300)
    for split in dataset.split():
        places = [7, 2, 2, 0]
        expected = data.graph_collate([split[place] for place in places])
        for asked in (split, torch_data.Subset(split, range(len(split)))):
            batch = SeededBatches(asked, 0, 0)[places]
            assert list(batch) == list(expected)
            assert_equal_packs(batch.pop("graph"), expected["graph"])
            assert batch["index"].dtype == expected["index"].dtype
            assert torch.equal(batch.pop("index"), expected["index"])
            assert batch == {key: expected[key] for key in batch}


def test_a_batch_of_the_engine_makes_no_single_proteins(dataset, monkeypatch):
    monkeypatch.setattr("protclip_td.datasets.protanno.to_protein", None)
    for split in dataset.split():
        assert len(SeededBatches(split, 0, 0)[[1, 0]]["graph"]) == 2


class Probe(nn.Module):
    """The least that TorchDrug's engine takes for a task; it writes down what it is given."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen = []

    def forward(self, batch):
        self.seen.append(batch["index"].tolist())
        return self.weight * batch["graph"].num_residues.sum(), {"loss": self.weight.detach()}

    def predict_and_target(self, batch):
        return batch["index"], batch["index"]

    def evaluate(self, prediction, target):
        return {"items": torch.tensor(float(len(target)))}


def epochs_of_stock_engine(dataset, num_epoch, num_worker=2):
    """The rows that TorchDrug's unmodified engine trains on, epoch by epoch."""
    sets = dataset.split()
    task = Probe()
    optimizer = torch.optim.SGD(task.parameters(), lr=0.0)
    engine = core.Engine(task, *sets, optimizer, batch_size=16, num_worker=num_worker)
    engine.train(num_epoch)
    assert engine.evaluate("valid")["items"] == len(sets[1])
    steps = len(task.seen) // num_epoch
    epochs = [task.seen[e * steps : (e + 1) * steps] for e in range(num_epoch)]
    return [list(chain.from_iterable(batches)) for batches in epochs]


def test_stock_engine_draws_anew_each_epoch(folder):
    first, second = epochs_of_stock_engine(ProtAnno(folder), num_epoch=2)
    train_set = ProtAnno(folder).split()[0]
    for epoch, seen in enumerate((first, second)):
        train_set.set_epoch(epoch)
        assert seen == rows(train_set)  # as it was drawn, which is shuffled already
    assert sorted(first) != sorted(second)


def test_two_ranks_share_one_draw(dataset):
    train_set = dataset.split()[0]
    samplers = [torch_data.DistributedSampler(train_set, 2, rank) for rank in (0, 1)]
    for sampler in samplers:
        sampler.set_epoch(5)
    parts = [[rows(train_set)[i] for i in sampler] for sampler in samplers]
    drawn = rows(train_set)
    assert len(drawn) % 2
    assert parts == [drawn[::2], [*drawn[1::2], drawn[0]]]  # the first again makes it even
    train_set.set_epoch(5)
    assert sorted(drawn) == sorted(rows(train_set))  # what one process draws


def test_slices(dataset):
    assert [item["index"] for item in dataset[2:5]] == [2, 3, 4]


def test_held_out_items_mix_the_groups_and_stay_as_they_are(folder):
    dataset = ProtAnno(folder, valid_fraction=0.4)
    valid_set = dataset.split()[1]
    assert rows(valid_set) == rows(ProtAnno(folder, valid_fraction=0.4, seed=1).split()[1])
    assert len(set(rows(valid_set))) == len(valid_set)
    groups = [(e.confidence, e.coverage) for e in dataset.store.read(rows(valid_set))]
    changes = sum(a != b for a, b in pairwise(groups))
    assert changes > 2 * len(set(groups))


def test_an_open_data_set_keeps_no_list_of_rows(folder):
    """What a worker is sent does not grow with the number of entries or draws."""
    dataset = ProtAnno(folder, draws_per_epoch=10_000_000)
    assert all(len(pickle.dumps(part)) < 20_000 for part in dataset.split())
    assert len(dataset.split()[0].indices[-10:]) == 10


def test_the_sampler_for_plain_pytorch_draws_the_same(dataset):
    train_set = dataset.split()[0]
    sampler = PropertyDrivenSampler(train_set.stretches, len(train_set))
    for epoch in (0, 3):
        train_set.set_epoch(epoch)
        sampler.set_epoch(epoch)
        assert list(sampler) == rows(train_set)


def batches_of(dataset, epoch, first, num_worker):
    """What a run that goes on at batch `first` of an epoch is given."""
    train_set = dataset.split()[0]
    batches = BatchIndices(training_indices(train_set, 0, epoch), 16, first)
    loader = make_loader(SeededBatches(train_set, 0, epoch), batches, num_worker)
    return [(batch["accession"], batch["biotext"]) for batch in loader]


@pytest.mark.parametrize("num_worker", [0, 2])
def test_a_run_goes_on_in_the_middle_of_an_epoch(folder, num_worker):
    options = {"draws_per_epoch": 100, "seed": 5}
    whole = batches_of(ProtAnno(folder, **options), 3, 0, 0)
    assert len(whole) == 7
    assert batches_of(ProtAnno(folder, **options), 3, 4, num_worker) == whole[4:]


def test_splits_are_disjoint_and_keep_the_rule(dataset):
    train_set, valid_set, test_set = dataset.split()
    train_rows = set()
    for epoch in range(5):
        train_set.set_epoch(epoch)
        train_rows |= set(rows(train_set))
    parts = [train_rows, set(rows(valid_set)), set(rows(test_set))]
    assert all(parts)
    assert not any(one & other for one, other in combinations(parts, 2))
    kept = {
        row
        for row in range(len(dataset))
        if dataset.store[row].confidence <= 3 and dataset.store[row].coverage >= 3
    }
    assert set().union(*parts) <= kept
    assert len(train_set) == len(kept) - len(valid_set) - len(test_set)


def test_identical_sequences_never_straddle_splits(tmp_path):
    lines = [
        json.dumps({"seq": "MK" * (n % 40 + 1), "text": f"PROTEIN NAME: {n}. FUNCTION: None."})
        for n in range(200)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    dataset = ProtAnno(
        tmp_path, str(tmp_path / "pairs.jsonl"), coverages=[2], valid_fraction=0.3,
        test_fraction=0.3, draws_per_epoch=200,
    )  # fmt: skip
    sequences = [{dataset.store[row].sequence for row in rows(part)} for part in dataset.split()]
    assert all(sequences)
    assert not any(one & other for one, other in combinations(sequences, 2))


def test_the_split_does_not_depend_on_the_seed_and_the_draw_does(folder):
    one, two = ProtAnno(folder, seed=1), ProtAnno(folder, seed=2)
    assert rows(one.split()[1]) == rows(two.split()[1])
    assert rows(one.split()[0]) != rows(two.split()[0])
    assert rows(one.split()[0]) == rows(ProtAnno(folder, seed=1).split()[0])


def test_draws_per_epoch(folder):
    assert len(ProtAnno(folder, draws_per_epoch=1000).split()[0]) == 1000


def test_long_sequences_are_cut_and_counted_once(folder, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = ProtAnno(folder, max_residues=100)
        items = [dataset[row] for row in rows(dataset.split()[1])]
    assert max(int(item["graph"].num_residue) for item in items) == 100
    notices = [r.getMessage() for r in caplog.records if "longer than 100" in r.getMessage()]
    entries = dataset.store.read(range(209))
    longer = sum(len(entry.sequence) >= 150 for entry in entries)  # 101 falls into a bin
    assert notices == [
        f"at least {longer} of the store's 209 sequences are longer than 100 residues; they are "
        "cut there"
    ]


def test_the_paper_limit_of_residues_is_counted_exactly(folder, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = ProtAnno(folder)
    longer = sum(len(entry.sequence) > 1022 for entry in dataset.store.read(range(209)))
    assert longer > 0
    assert f"{longer} of the store's 209 sequences are longer than 1022" in caplog.text
    assert "at least" not in caplog.text


def test_nothing_is_said_where_nothing_is_cut(folder, caplog):
    with caplog.at_level(logging.WARNING):
        ProtAnno(folder, max_residues=100_000)
    assert "longer" not in caplog.text


def test_composition_counts_and_prints(dataset):
    composition = dataset.composition()
    assert composition.before.sum() == 209
    assert composition.before[0].tolist() == [0, 2, 35, 113]
    assert composition.after.sum() == 195
    assert composition.after[3:].sum() == composition.after[:, :2].sum() == 0
    np.testing.assert_array_equal(sum(composition.splits.values()), composition.after)
    train = composition.splits["train"]
    mass = train * np.array([1, 2, 3, 4, 5])[:, None] ** -3.0 * np.sqrt([0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(composition.drawn, mass / mass.sum())
    table = str(composition)
    assert "209 entries, 195 after the sampling rule" in table
    assert "1 evidence at protein level" in table
    assert "(2)" in table  # what the rule drops stands in parentheses
    assert max(map(len, table.splitlines())) <= 80


def test_manifest_is_plain_and_complete(dataset):
    manifest = json.loads(json.dumps(dataset.manifest))
    assert list(manifest["files"]) == ["uniprot_sample.dat.gz"]
    assert manifest["rule"]["confidences"] == [1, 2, 3]
    assert manifest["rule"]["seed"] == 0
    assert np.sum(manifest["composition"]["splits"]["train"]) == len(dataset.split()[0])


def test_rejections_are_said_and_kept(tmp_path, caplog):
    good = [json.dumps({"seq": "MK" * n, "text": "FUNCTION: x"}) for n in range(1, 20)]
    (tmp_path / "pairs.jsonl").write_text(
        "\n".join([*good, '{"seq": "M-", "text": "FUNCTION: x"}'])
    )
    with caplog.at_level(logging.WARNING):
        dataset = ProtAnno(tmp_path, str(tmp_path / "pairs.jsonl"), coverages=[1])
    assert "1 entries" in caplog.text
    assert "1 x letters that are no residues" in caplog.text
    assert "line 20\tletters" in (dataset.store.folder / "rejected.tsv").read_text()


def test_no_entry_left_after_the_rule(folder):
    with pytest.raises(InputError, match=r"no training entry left of 209.*keep 0 entries.*\[1, 2,"):
        ProtAnno(folder, confidences=[5], coverages=[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidences": [0, 1]}, r"confidences is \[0, 1\]; expected at least one of \[1, 2, 3"),
        ({"coverages": []}, r"coverages is \[\]; expected"),
        ({"valid_fraction": 0.6, "test_fraction": 0.4}, "leave some sequences to train on"),
        ({"test_fraction": -0.1}, "leave some sequences to train on"),
        ({"max_residues": 0}, "max_residues: 0 given; expected a number above 0"),
        ({"max_residues": 0.5}, "max_residues: 0.5 given; expected a whole number"),
        ({"draws_per_epoch": 0.5}, "draws_per_epoch: 0.5 given; expected a whole number"),
        ({"draws_per_epoch": 0}, "draws_per_epoch: 0 given; expected a number above 0"),
        ({"confidence": 6}, r"confidence: 6 given; expected 1 \(best\) to 5"),
        ({"seed": -1}, "seed: -1 given; expected 0 or above"),
    ],
)
def test_options_out_of_range(folder, options, message):
    with pytest.raises(InputError, match=message):
        ProtAnno(folder, **options)


@pytest.mark.parametrize("confidence", [0, 6])
def test_no_confidence_for_a_store_that_is_there(folder, confidence):
    store = ProtAnno(folder).store.folder
    with pytest.raises(InputError, match=f"confidence: {confidence} given; expected 1"):
        ProtAnno(store, confidence=confidence)


def test_a_truncated_source_makes_no_store(tmp_path, sample_path):
    cut = tmp_path / "cut.dat.gz"
    cut.write_bytes(sample_path.read_bytes()[:400_000])
    with pytest.raises(InputError, match=r"cut\.dat\.gz: the gzip file is cut off"):
        ProtAnno(tmp_path / "stores", str(cut))
    assert not [path for path in (tmp_path / "stores").iterdir() if path.is_dir()]
