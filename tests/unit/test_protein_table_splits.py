"""ProteinTable: how its rows are split, and what each split has to have."""

import pytest
from helpers import table_of
from torchdrug import models, tasks

from protclip_td.datasets.protein_table import ProteinTable
from protclip_td.datasets.splits import split_by_key
from protclip_td.errors import InputError


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_without_a_class(tmp_path, split):
    parts = ["train", "valid", "test", split]
    cells = ["" if part == split else "A" for part in parts]
    path = table_of(tmp_path, sequence=["AA", "CC", "DD", "EE"], y=cells, part=parts)
    with pytest.raises(InputError, match=f"'y': no protein of '{split}' has a class, so there"):
        ProteinTable(path, "y", "class", split="part").split()


def test_other_splits_by_name(tmp_path):
    parts = ["train", "train", "valid", "train", "test", "valid", "train"]
    path = table_of(tmp_path, sequence=["AA"] * 7, y=range(7), part=parts)
    splits = ProteinTable(path, "y", split="part").split(["train", "test"])
    assert [[item["y"] for item in split] for split in splits] == [[0, 1, 3, 6], [4]]


def test_drawn_split_keeps_equal_sequences_together():
    keys = [f"M{'K' * (i // 2)}" for i in range(200)]
    rows = split_by_key(keys, [0.7, 0.2, 0.1], seed=0)
    assert {name: len(part) for name, part in rows.items()} == {
        "train": 140,
        "valid": 40,
        "test": 20,
    }
    parts = [{keys[row] for row in part} for part in rows.values()]
    assert sum(map(len, parts)) == 100
    assert split_by_key(keys, [0.7, 0.2, 0.1], seed=0) == rows
    assert split_by_key(keys, [0.7, 0.2, 0.1], seed=1) != rows
    backwards = split_by_key(keys[::-1], [0.7, 0.2, 0.1], seed=0)
    assert {keys[::-1][row] for row in backwards["test"]} == {keys[row] for row in rows["test"]}


def test_drawn_split_of_pairs_follows_the_seed_and_keeps_both_directions_together(tmp_path):
    ones, others = ([f"{letter}{'K' * i}" for i in range(40)] for letter in "MG")
    path = table_of(tmp_path, a=ones + others, b=others + ones, y=["1"] * 80)
    rows = [ProteinTable(path, "y", sequence=["a", "b"], seed=seed).rows for seed in (0, 1)]
    assert rows[0] != rows[1]
    for part in rows[0].values():
        assert {row for row in part if row < 40} == {row - 40 for row in part if row >= 40}


def test_empty_split(tmp_path):
    path = table_of(tmp_path, sequence=["MKV", "MLA"], y=["1", "2"], part=["train", "test"])
    found = "{'train': 1, 'test': 1}"
    with pytest.raises(InputError, match=f"split 'valid' has no row; found {found}"):
        ProteinTable(path, "y", split="part").split()
    with pytest.raises(InputError, match=r"split 'valid' has no row; found {'train': 2}"):
        ProteinTable(path, "y").split()


@pytest.mark.parametrize("name", ["Train", "tset", "", "dev"])
def test_rows_in_another_split(tmp_path, caplog, name):
    """None is lost without a word."""
    parts = ["train", "valid", "test", name]
    path = table_of(tmp_path, sequence=["AA", "CC", "DD", "EE"], y=["1"] * 4, part=parts)
    dataset = ProteinTable(path, "y", split="part")
    message = rf"table\.csv, line 5: 'part' is '{name}'; expected train, valid, test\. Rem"
    with pytest.raises(InputError, match=message):
        dataset.split()
    assert [len(split) for split in dataset.split(["train", "valid", "test"])] == [1, 1, 1]
    assert f"1 rows of splits [{name!r}] are not used" in caplog.text
    caplog.clear()
    assert list(dataset.split(["train", "valid", name])[2].indices) == [3]
    assert not caplog.text


def test_labels_that_training_lacks_are_counted(tmp_path, caplog):
    cells, parts = ["A;B", "A;C", "D"], ["train", "valid", "test"]
    path = table_of(tmp_path, sequence=["AA", "CC", "DD"], y=cells, part=parts)
    dataset = ProteinTable(path, "y", "labels", split="part")
    assert not caplog.text
    assert [len(split) for split in dataset.split()] == [1, 1, 1]
    assert "table.csv: 2 of 4 labels have no protein in training: C, D" in caplog.text


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_without_a_label(tmp_path, split):
    parts = ["train", "valid", "test", split]
    cells = ["" if part == split else "A;B" for part in parts]
    path = table_of(tmp_path, sequence=["AA", "CC", "DD", "EE"], y=cells, part=parts)
    with pytest.raises(InputError, match=f"table.csv: no protein of '{split}' has a label, so"):
        ProteinTable(path, "y", "labels", split="part").split()


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_without_a_number(tmp_path, split):
    parts = ["train", "valid", "test"]
    cells = ["" if part == split else "1" for part in parts]
    path = table_of(tmp_path, sequence=["AA", "CC", "DD"], y=cells, z=["1", "2", "3"], part=parts)
    splits = ProteinTable(path, ["z", "y"], split="part").split()
    task = tasks.PropertyPrediction(models.ProteinCNN(21, [8]), task=["z", "y"], criterion="mse")
    with pytest.raises(InputError, match=rf"'y': all 1 numbers of '{split}' are missing, so"):
        task.preprocess(*splits)
    # Several labels may well be unknown in a split.
    task = tasks.PropertyPrediction(models.ProteinCNN(21, [8]), task=["z", "y"], criterion="bce")
    task.preprocess(*splits)


@pytest.mark.parametrize(
    ("target_type", "cells"),
    [
        ("class", ["H", "H", "E"]),
        ("residue_class", ["HH", "HH", "EE"]),
        ("residue_class", ["H?", "HH", "HE"]),
    ],
)
def test_class_that_training_lacks(tmp_path, target_type, cells):
    path = table_of(
        tmp_path,
        sequence=["AA", "CC", "DD"],
        y=cells,
        part=["train", "valid", "test"],
    )
    with pytest.raises(InputError, match=r"table\.csv: 'y': classes \['E'\] occur in 'test' and"):
        ProteinTable(path, "y", target_type, split="part").split()
