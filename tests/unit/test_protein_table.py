"""ProteinTable: what the columns of a table become in TorchDrug's items."""

import hashlib
import json
import logging
import math
from pathlib import Path

import pytest
import torch
from helpers import table_of
from torchdrug import core, data, models, tasks, transforms

from protclip_td.data.reading.table import read_table
from protclip_td.datasets import columns
from protclip_td.datasets.protein_table import ProteinTable
from protclip_td.errors import InputError

SEQUENCES = ["MKVLA", "GGXUO", "WWYPC", "MKVLA", "DERKH", "STNQG"]


@pytest.fixture
def path(tmp_path):
    """A table with a column of each kind."""
    return table_of(
        tmp_path,
        sequence=SEQUENCES,
        partner=SEQUENCES[::-1],
        value=["0.5", "", "-1", "NA", "1e-3", "2"],
        place=["Nucleus", "Membrane", "Nucleus", "Membrane", "Nucleus", "Membrane"],
        keyword=["ATP;Zinc", "", "Zinc", "ATP ; Zinc;", "Heme", ""],
        structure=["HHHEE", "??EEH", "HHHHH", "EEEEE", "H????", "CCHEE"],
        split=["train", "train", "train", "train", "valid", "test"],
    )


def letters(protein):
    return bytes(protein.residue_letter.tolist()).decode()


@pytest.mark.parametrize(
    ("target", "target_type", "names"),
    [
        ("place", "class", {"Nucleus", "Membrane"}),
        ("keyword", "labels", {"ATP", "Zinc", "Heme"}),
        (["place", "split"], "class", None),
        ("value", "number", None),
    ],
)
def test_names_of_labels(path, target, target_type, names):
    found = ProteinTable(path, target, target_type).label_names
    assert names == (found and set(found))


def test_slices_and_lists_of_rows(path):
    dataset = ProteinTable(path, "place", "class", split="split")
    for rows in (slice(1, 3), slice(-1, None), [4, 0], range(2)):
        expected = list(range(6))[rows] if isinstance(rows, slice) else rows
        items = [letters(item["graph"]) for item in dataset[rows]]
        assert items == [SEQUENCES[row] for row in expected]
    assert len(dataset.split()[0][:2]) == 2


def test_numbers(path, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = ProteinTable(path, "value", split="split")
    assert "2 rows have no 'value' and do not count (cells '', 'NA')" in caplog.text
    assert dataset.tasks == ["value"]
    train, valid, test = dataset.split()
    assert [len(train), len(valid), len(test)] == [4, 1, 1]
    assert [item["value"] for item in train][::2] == [0.5, -1.0]
    assert math.isnan(train[1]["value"])
    assert letters(train[1]["graph"]) == "GGXUO"


def test_classes_are_numbered_by_name_or_by_value(path, tmp_path):
    dataset = ProteinTable(path, ["place"], "class", split="split")
    assert dataset.targets.classes == {"place": ["Membrane", "Nucleus"]}
    assert [dataset[i]["place"] for i in range(3)] == [1, 0, 1]
    table = read_table(table_of(tmp_path, ec=["2", "10", "0", "1", "9", "2"]))
    assert columns.classes(table, "ec") == ([2, 4, 0, 1, 3, 2], ["0", "1", "2", "9", "10"])


WORDS = ["", "NA", "na", "N/A", "n/a", "NaN", "nan", "<NA>", "None", "NULL", "null", "#N/A", "-nan"]


@pytest.mark.parametrize("target_type", ["number", "class"])
@pytest.mark.parametrize("word", WORDS)
def test_words_for_missing_are_the_same_in_numbers_and_classes(tmp_path, caplog, word, target_type):
    path = table_of(tmp_path, sequence=["AA", "CC", "DD"], y=["1", word, "0"])
    dataset = ProteinTable(path, "y", target_type)
    values = [dataset[i]["y"] for i in range(3)]
    assert values[::2] == [1, 0]
    assert math.isnan(values[1])
    assert f"1 rows have no 'y' and do not count (cells {word!r})" in caplog.text


def test_a_missing_sequence_that_could_be_a_peptide_is_told(tmp_path, caplog):
    table = table_of(tmp_path, sequence=["MKV", "NA", "NULL"], y=["1", "2", "3"])
    assert [len(item["graph"].residue_type) for item in ProteinTable(table, "y")] == [3, 2, 4]
    assert "table.csv: 2 rows have NA or NULL as 'sequence'; they are read as pep" in caplog.text


def test_sodium_is_a_class(tmp_path):
    table = read_table(table_of(tmp_path, ion=["Na", "K", "NA"]))
    assert columns.classes(table, "ion")[1] == ["K", "Na"]
    with pytest.raises(InputError, match="line 2: 'ion' is 'Na'; expected a finite number"):
        columns.numbers(table, "ion")


@pytest.mark.parametrize("pair", [False, True])
def test_missing_classes_are_left_out_of_loss_and_metric(tmp_path, pair):
    """As in a table without these rows."""
    sequences = ["MKV", "GGA", "WWY", "DER", "STN", "LLV"]
    part = ["train", "train", "train", "valid", "test", "test"]
    cells = {"sequence": sequences, "other": sequences[::-1], "y": list("a bbb "), "part": part}
    kept = [row for row in range(6) if cells["y"][row] != " "]
    found = []
    for name, rows in (("all", range(6)), ("kept", kept)):
        (tmp_path / name).mkdir()
        some = {key: [column[row] for row in rows] for key, column in cells.items()}
        named = ["sequence", "other"] if pair else "sequence"
        dataset = ProteinTable(
            table_of(tmp_path / name, **some), "y", "class", sequence=named, split="part"
        )
        torch.manual_seed(0)
        model = models.ProteinCNN(21, [8])
        kind = tasks.InteractionPrediction if pair else tasks.PropertyPrediction
        task = kind(model, task=["y"], criterion="ce", metric=["acc", "mcc"])
        splits = dataset.split()
        task.preprocess(*splits)
        batch = data.graph_collate([item for split in splits for item in split])
        loss, _ = task(batch)
        metric = task.evaluate(task.predict(batch), task.target(batch))
        found.append((task.num_class, loss.item(), [value.item() for value in metric.values()]))
    assert found[0][0] == found[1][0]
    assert found[0][1:] == (pytest.approx(found[1][1]), pytest.approx(found[1][2]))


@pytest.mark.parametrize(
    ("cells", "numbers", "names"),
    [
        (["10.0", "2.0", "0.0", "11.0", "1.0"], [3, 2, 0, 4, 1],
         ["0.0", "1.0", "2.0", "10.0", "11.0"]),
        (["1", "1.0", "01", "2", "-1"], [1, 1, 1, 2, 0], ["-1", "1", "2"]),
        (["1.0", "", "2.0"], [0, math.nan, 1], ["1.0", "2.0"]),  # as pandas writes whole numbers
        (["1.10", "1.1", "2.3", "10.1"], [1, 0, 2, 3], ["1.1", "1.10", "2.3", "10.1"]),
        (["1", "1.0", "10", "A"], [0, 1, 2, 3], ["1", "1.0", "10", "A"]),
        (["1.1.1.1", "1.1.1.10", "1.1.1.2"], [0, 1, 2], ["1.1.1.1", "1.1.1.10", "1.1.1.2"]),
    ],
)  # fmt: skip
def test_classes_that_are_numbers(tmp_path, cells, numbers, names):
    """Whole numbers are the same however they are written; 1.1 and 1.10 are two classes of EC."""
    table = read_table(table_of(tmp_path, ec=cells, sequence=["MKV"] * len(cells)))
    found = columns.classes(table, "ec")
    assert found == (pytest.approx(numbers, nan_ok=True), names)


def test_labels(path):
    dataset = ProteinTable(path, "keyword", "labels", split="split")
    assert dataset.tasks == ["ATP", "Heme", "Zinc"]
    targets = torch.stack([dataset[i]["targets"] for i in range(len(dataset))])
    assert targets.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_residue_classes_follow_a_crop(path):
    crop = transforms.TruncateProtein(max_length=3)
    dataset = ProteinTable(path, "structure", "residue_class", split="split", transform=crop)
    assert dataset.targets.classes == {"structure": ["C", "E", "H"]}
    packed = data.graph_collate([dataset[0], dataset[1]])["graph"]
    assert packed.target.tolist() == [2, 2, 2, 0, 0, 1]
    assert packed.mask.tolist() == [True, True, True, False, False, True]
    assert letters(packed) == "MKVGGX"


@pytest.mark.parametrize(
    ("target", "target_type"), [("keyword", "labels"), ("structure", "residue_class")]
)
def test_batches_from_a_worker_process(path, target, target_type):
    dataset = ProteinTable(path, target, target_type, split="split")
    batches = [
        next(iter(data.DataLoader(dataset, batch_size=6, num_workers=num_worker)))
        for num_worker in (0, 1)
    ]
    here, there = (batch.get("targets", getattr(batch["graph"], "target", 0)) for batch in batches)
    assert torch.equal(here, there)
    assert letters(batches[0]["graph"]) == letters(batches[1]["graph"]) == "".join(SEQUENCES)


def test_pairs(path):
    dataset = ProteinTable(path, "value", sequence=["sequence", "partner"], split="split")
    item = dataset[0]
    assert (letters(item["graph1"]), letters(item["graph2"])) == (SEQUENCES[0], SEQUENCES[-1])
    assert item["value"] == 0.5


def test_registered_and_made_from_its_own_config(path):
    dataset = ProteinTable(path, "place", target_type="class", split="split")
    config = dataset.config_dict()
    assert config["class"] == "datasets.ProteinTable"
    again = core.Configurable.load_config_dict(config)
    assert again[0]["place"] == dataset[0]["place"]


def test_manifest_tells_what_was_read(path):
    manifest = ProteinTable(path, "place", "class", split="split").manifest
    assert manifest["sha256"] == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert manifest["classes"] == {"place": ["Membrane", "Nucleus"]}
    assert json.loads(json.dumps(manifest)) == manifest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "stability"}, r"no column 'stability'; it has \['sequence', 'partner'"),
        ({"target": "place"}, r"line 2: 'place' is 'Nucleus'; expected a finite number.*class"),
        ({"target": "value", "target_type": "float"}, "target_type: 'float' given; expected one"),
        ({"target": ["value", "place"], "target_type": "labels"}, "2 columns given.*exactly one"),
        ({"target": []}, "0 columns given.*takes one or more"),
        ({"target": "place", "target_type": "residue_class"}, "line 2.*7 letters.* 5 residues"),
        (
            {
                "target": "structure",
                "target_type": "residue_class",
                "sequence": ["sequence", "partner"],
            },
            "columns of a pair given",
        ),
        ({"target": "value", "sequence": "place"}, r"line 2: 'place': letters 'celsu' are no"),
        ({"target": "value", "sequence": "keyword"}, r"line 2: 'keyword'.*';"),
        ({"target": "value", "sequence": ["sequence"] * 3}, "3 columns given; expected one, or"),
        ({"target": "value", "split_fractions": [0.5, 0.1]}, "split_fractions.*add up to 1"),
        ({"target": "value", "split_fractions": [0.9, 0.2, -0.1]}, "split_fractions.*positive"),
        ({"target": "value", "split_fractions": [0.9, 0.1, 0]}, "split_fractions.*positive"),
    ],
)
def test_wrong_arguments(path, arguments, message):
    with pytest.raises(InputError, match=message):
        ProteinTable(path, **arguments)


@pytest.mark.parametrize(
    ("cells", "target_type", "message"),
    [
        (["0.5", "inf"], "number", "line 3: 'y' is 'inf'; expected a finite number"),
        (["0.5", "-1_000"], "number", "line 3: 'y' is '-1_000'; expected a finite number"),
        (["0.5", "\u0661"], "number", "line 3: 'y' is '\u0661'; expected a finite number"),
        (
            ["-1e30", "1e19"],
            "number",
            r"line 2: 'y': -1e30 is too large; expected at most 1.8e\+19",
        ),
        (["", "nan"], "number", "column 'y' holds no number at all"),
        (["", "nan"], "class", "column 'y' holds no class at all"),
        (["", ";"], "labels", "no row has a label in column 'y'"),
        (["HEC", "???"], "residue_class", "line 3: 'y' labels no residue; leave the row out"),
    ],
)
def test_wrong_cells(tmp_path, cells, target_type, message):
    path = table_of(tmp_path, sequence=["MKV", "MLA"], y=cells)
    with pytest.raises(InputError, match=message):
        ProteinTable(path, "y", target_type)


@pytest.mark.parametrize(
    ("sequence", "message"),
    [("", "sequence is empty"), ("MK*", r"letters '\*'"), ("mk-v", "letters '-kmv'")],
)
def test_wrong_sequences(tmp_path, sequence, message):
    path = table_of(tmp_path, sequence=["MKV", sequence], y=["1", "2"])
    with pytest.raises(InputError, match=f"line 3: 'sequence': .*{message}"):
        ProteinTable(path, "y")


def test_words_for_missing_are_no_labels(tmp_path, caplog):
    path = table_of(tmp_path, sequence=["AA", "CC", "DD"], y=["A", "nan", "B;Na"])
    dataset = ProteinTable(path, "y", "labels")
    assert dataset.tasks == ["A", "B", "Na"]
    assert dataset[1]["targets"].tolist() == [0, 0, 0]
    assert "1 rows have 'nan' in 'y', which is taken for no label" in caplog.text
