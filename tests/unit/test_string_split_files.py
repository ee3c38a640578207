"""The files that hold the split of a network."""

import json

import graph_files
import numpy as np
import pytest

from protclip_td.datasets import STRINGActions
from protclip_td.datasets.string_actions_split import Draw, read_split
from protclip_td.errors import InputError


@pytest.fixture
def data(pairs, tmp_path):
    graph_files.write_string_actions(tmp_path, [entry.sequence for entry in pairs])
    return str(tmp_path)


def test_the_split_is_kept_in_a_file_and_read_again(data, tmp_path):
    first = STRINGActions(data, split="bfs", seed=5)
    path = tmp_path / "string_actions" / "SHS27k.bfs-0.2-0.1-5.split.json"
    content = json.loads(path.read_text())
    assert content["test_index"] == list(first.split()[2].indices)
    assert (content["network"], content["split"], content["seed"]) == ("SHS27k", "bfs", 5)
    content["train_index"], content["test_index"] = content["test_index"], content["train_index"]
    path.write_text(json.dumps(content))
    again = STRINGActions(data, split="bfs", seed=5)
    assert list(again.split()[2].indices) == content["test_index"]


@pytest.fixture
def theirs(data, tmp_path):
    """A split file as GNN-PPI has it: the first ten pairs are for test."""
    path = tmp_path / "theirs.json"
    rows = [*range(len(STRINGActions(data)))]
    path.write_text(json.dumps({"train_index": rows[10:], "valid_index": rows[:10]}))
    return str(path)


def test_split_files_of_gnn_ppi_fit(data, theirs):
    num_pair = len(STRINGActions(data))
    train, valid, test = STRINGActions(data, split_file=theirs).split()
    assert list(test.indices) == list(range(10))
    assert len(valid) == int(0.1 * (num_pair - 10))
    assert sorted([*train.indices, *valid.indices]) == list(range(10, num_pair))
    train, valid, test = STRINGActions(data, split_file=theirs, protocol="published").split()
    assert list(test.indices) == list(valid.indices) == list(range(10))
    assert list(train.indices) == list(range(10, num_pair))


def test_the_seed_draws_the_validation_pairs_for_a_split_file_of_gnn_ppi(data, theirs):
    first, other, again = (
        list(STRINGActions(data, split_file=theirs, seed=seed).split()[1].indices)
        for seed in (0, 1, 0)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"train_index": [0, 1], "valid_index": [2], "test_index": [4]}', "are not the 4 pairs"),
        ('{"train_index": [0, 1], "valid_index": [1], "test_index": [2, 3]}', "are not the 4 pair"),
        ('{"train_index": [0.0, 1], "valid_index": [2], "test_index": [3]}', "are not the 4 pair"),
        (
            '{"train_index": [0, 1], "valid_index": [2], "test_index": [3], "pairs_sha256": "0"}',
            "are not the 4 pairs",
        ),
        ('{"train_index": [0, 1]', "is no split .*JSONDecodeError"),
        ('{"train": [0, 1]}', "is no split"),
        ('{"train_index": ["a"], "valid_index": [1], "test_index": [2]}', "is no split"),
        ("[1, 2]", "is no split"),
        (
            '{"train_index": [0, 1], "valid_index": [2, 3], "test_index": []}',
            r"split.json leaves nothing for one of .*'test': 0.*expected pairs for each. Name an",
        ),
        ('{"train_index": [], "valid_index": [2], "test_index": [0, 1, 3]}', "'train': 0, 'valid'"),
        ('{"train_index": [0, 1, 2], "valid_index": [3]}', "leaves nothing for .*'valid': 0"),
        ('{"train_index": [], "valid_index": [0, 1, 2, 3]}', "leaves nothing .*'train': 0"),
    ],
)
def test_bad_split_files(tmp_path, content, message):
    (tmp_path / "split.json").write_text(content)
    draw = Draw("random", 0.2, 0.1, 0)
    with pytest.raises(ValueError, match=message):
        read_split(tmp_path / "split.json", np.arange(8).reshape(4, 2), draw)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "bfs"}, "another split .*: split 'random' in the file, split 'bfs' asked for"),
        ({"seed": 1}, "seed 0 in the file, seed 1 asked for"),
        ({"test_fraction": 0.3}, "test_fraction 0.2 in the file, test_fraction 0.3 asked for"),
        (
            {"split": "dfs", "seed": 2},
            "split 'random', seed 0 in the file, split 'dfs', seed 2 ask",
        ),
    ],
)
def test_a_split_file_is_what_is_asked_for(data, tmp_path, asked, message):
    path = str(tmp_path / "mine.json")
    first = STRINGActions(data, split_file=path)
    assert (first.manifest["split"], first.manifest["seed"]) == ("random", 0)
    assert STRINGActions(data, split_file=path).split()[2].indices == first.split()[2].indices
    with pytest.raises(InputError, match=message):
        STRINGActions(data, split_file=path, **asked)


def test_a_folder_that_cannot_be_written_is_no_mistake(data, tmp_path, caplog):
    target = tmp_path / "gone" / "split.json"
    dataset = STRINGActions(data, split_file=str(target))
    assert len(dataset.split()[2]) > 0
    assert "could not be kept" in caplog.text
