"""TorchDrug's own data sets on files from outside: what is wrong with them is said."""

import gzip
import logging
import math
import os
import pickle
from itertools import pairwise

import downstream_files as files
import lmdb
import numpy as np
import pytest
import torch
from torchdrug import datasets, models, tasks, utils
from torchdrug.data import PackedProtein, ProteinDataset

from protclip_td import compat
from protclip_td.compat import files as torchdrug_files
from protclip_td.data.outside.lmdb_records import read_records
from protclip_td.datasets import ProteinTable
from protclip_td.errors import InputError

SEQUENCE = {"atom_feature": None, "bond_feature": None}


def records(*targets, **changed):
    return [{"primary": "MKVLA"[: 2 + i], "y": y, **changed} for i, y in enumerate(targets)]


def load(tmp_path, *splits, **options):
    """A TorchDrug data set of one LMDB folder per split."""
    paths = []
    for i, found in enumerate(splits):
        paths.append(tmp_path / f"y_{i}.lmdb")
        files.write_lmdb(paths[-1], found)
    dataset = ProteinDataset()
    dataset.load_lmdbs(list(map(str, paths)), target_fields=["y"], **SEQUENCE, **options)
    return dataset


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            [{"primary": "MKV", "x": 1}],
            r"record 0 has no field 'y'; it has \['primary', 'x', 'id'\]",
        ),
        (records("Nucleus"), "record 0: 'y' is 'Nucleus'; expected a number"),
        (records(0.5, None), "record 1: 'y' is None; expected a number"),
        (records(math.inf), "record 0: 'y': inf is not finite; expected a number"),
        (records(10**400), "record 0: 'y': 10+ is too large; expected at most"),
        (records(np.float64(-3e38)), "record 0: 'y': -3e\\+38 is too large; expected at most"),
        (records(0.5, primary="MK-V"), "record 0: 'primary': letters '-' are no residues"),
        (records(0.5, primary="MKV*"), "record 0: 'primary': letters '\\*' are no residues"),
        (records(0.5, primary=b"MKV"), "record 0: 'primary' is a bytes; expected residues"),
        (records(0.5, primary=""), "the sequence is empty"),
        ([], "has no record .num_examples is 0"),
    ],
)
def test_records_that_cannot_be_used(found, message, tmp_path):
    with pytest.raises(InputError, match=rf"(?s)data_set.*{message}"):
        load(tmp_path / "data_set", records(0.1), found)


def test_missing_numbers_are_counted_and_stay_missing(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        dataset = load(tmp_path, records(0.5, math.nan, np.float32(2)), records(np.array([np.nan])))
    assert "2 rows have no 'y' and do not count" in caplog.text
    assert dataset.num_samples == [3, 1]
    assert [type(dataset[i]["y"]) for i in range(4)] == [float] * 4
    assert dataset[2]["y"] == 2
    assert math.isnan(dataset[3]["y"])


def test_no_number_at_all(tmp_path):
    with pytest.raises(InputError, match="no record has a number in 'y'"):
        load(tmp_path, records(math.nan), records(math.nan))


def test_values_become_what_torchdrug_collates(tmp_path):
    labels = np.array([1, 0])
    dataset = load(tmp_path, records(np.int64(3), True, labels))
    assert dataset.targets["y"][:2] == [3, 1]
    assert [type(value) for value in dataset.targets["y"]] == [int, int, np.ndarray]


def test_folders_that_are_no_lmdb(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.lmdb cannot be read as LMDB .*Remove"):
        next(read_records(tmp_path / "nowhere.lmdb"))
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0))
    data = tmp_path / "y.lmdb" / "data.mdb"
    data.write_bytes(os.urandom(data.stat().st_size))
    with pytest.raises(InputError, match=r"y.lmdb cannot be read as LMDB"):
        next(read_records(tmp_path / "y.lmdb"))
    files.write_lmdb(tmp_path / "z.lmdb", records(1.0))
    with pytest.raises(InputError, match="has no num_sample: it is damaged, or of another layout"):
        next(read_records(tmp_path / "z.lmdb", "num_sample"))


def test_a_number_of_records_that_numpy_counted(tmp_path):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0, 2.0), np.int64(2))
    assert [record["y"] for record in read_records(tmp_path / "y.lmdb")] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("0", [1.0], "record 0 is no dict of fields"),
        ("num_examples", "2", "has no record .num_examples is '2'"),
        ("num_examples", 2.0, "has no record .num_examples is 2.0"),
    ],
)
def test_entries_of_another_kind(key, value, message, tmp_path):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0, 2.0))
    with lmdb.open(str(tmp_path / "y.lmdb")) as environment, environment.begin(write=True) as to:
        to.put(key.encode(), pickle.dumps(value))
    with pytest.raises(InputError, match=f"y.lmdb.* {message}"):
        list(read_records(tmp_path / "y.lmdb"))


def test_reading_writes_no_lock(tmp_path):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0))
    for file in (tmp_path / "y.lmdb").glob("lock.mdb"):
        file.unlink()
    assert len(list(read_records(tmp_path / "y.lmdb"))) == 1
    assert os.listdir(tmp_path / "y.lmdb") == ["data.mdb"]


@pytest.mark.parametrize("left", [0, 1, 5000, 8192, -5000, -1])
def test_a_truncated_file_is_refused_and_does_not_kill(left, tmp_path):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0, 2.0, primary="MKVLA" * 2000))
    assert len(list(read_records(tmp_path / "y.lmdb"))) == 2
    data = tmp_path / "y.lmdb" / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[:left])
    found = rf"data.mdb has \S+ of {len(whole):,} bytes" if left not in (0, 1) else ""
    with pytest.raises(InputError, match=rf"y.lmdb cannot be read as LMDB \(.*{found}.*Remove"):
        next(read_records(tmp_path / "y.lmdb"))


def test_records_beyond_their_number(tmp_path):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0, 2.0, 3.0), 2)
    with pytest.raises(
        InputError, match=r"y.lmdb: num_examples is 2, but there is a record 2, one of 3"
    ):
        next(read_records(tmp_path / "y.lmdb"))


def test_entries_that_are_no_records(tmp_path, caplog):
    files.write_lmdb(tmp_path / "y.lmdb", records(1.0, 2.0))
    assert len(list(read_records(tmp_path / "y.lmdb"))) == 2
    assert not caplog.records
    with lmdb.open(str(tmp_path / "y.lmdb")) as environment, environment.begin(write=True) as to:
        to.put(b"version", pickle.dumps(1))
    assert len(list(read_records(tmp_path / "y.lmdb"))) == 2
    assert "y.lmdb: 1 entries are no records and are not read" in caplog.text


class Evil:
    def __reduce__(self):
        return os.system, ("touch touched",)


def test_no_record_runs_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"y_0.lmdb, record 0: a pickle asks for \w+.system"):
        load(tmp_path, records(Evil()))
    assert not (tmp_path / "touched").exists()


def test_pickles_of_proteins_are_read_and_no_others(tmp_path):
    dataset = load(tmp_path, records(0.5, 0.25))
    with dataset.data[0].residue():
        dataset.data[0].residue_feature = dataset.data[0].residue_feature.to_sparse()
    dataset.pdb_files = ["train/1ABC-A_x.pdb", "valid/1ABC-B_x.pdb"]
    dataset.save_pickle(str(tmp_path / "y.pkl.gz"))
    again = ProteinDataset()
    again.load_pickle(str(tmp_path / "y.pkl.gz"))
    assert (again.pdb_files, again.sequences) == (dataset.pdb_files, ["MK", "MKV"])
    assert torch.equal(again.data[1].residue_feature, dataset.data[1].residue_feature)
    with gzip.open(tmp_path / "evil.pkl.gz", "wb") as file:
        pickle.dump(Evil(), file)
    with pytest.raises(InputError, match="which may run code"):
        ProteinDataset().load_pickle(str(tmp_path / "evil.pkl.gz"))


def test_lazy_proteins_are_the_same(folder, monkeypatch):
    files.make("stability", folder, monkeypatch)
    eager, lazy = (
        datasets.Stability(str(folder), lazy=lazy, verbose=0, **SEQUENCE) for lazy in (False, True)
    )
    assert lazy.data[1] is None
    cls = datasets.Stability
    assert lazy.manifest == {"url": cls.url, "md5": cls.md5}
    for i in range(len(eager)):
        assert torch.equal(eager[i]["graph"].residue_letter, lazy[i]["graph"].residue_letter)
        assert eager[i]["stability_score"] == lazy[i]["stability_score"]


def test_a_data_set_of_ones_own_says_which_files_it_used():
    dataset = ProteinDataset()
    dataset.files = {"train": "https://example.org/train.csv"}  # what may be fetched
    assert dataset.manifest == {}
    dataset.used = {"train.csv": "0" * 32}
    assert dataset.manifest == {"files": {"train.csv": "0" * 32}}


@pytest.mark.parametrize("name", ["HumanPPI", "YeastPPI", "PPIAffinity", "BindingDB", "PDBBind"])
def test_pairs_say_where_they_are_from(name):
    cls = getattr(datasets, name)
    assert cls.__new__(cls).manifest == {"url": cls.url, "md5": cls.md5}


def test_without_the_file_torchdrugs_classes_say_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(datasets.Stability, "url", "file:///nowhere/stability.tar.gz")
    with pytest.raises(InputError) as error:
        datasets.Stability(str(folder))
    assert "stability.tar.gz is missing and cannot be fetched" in str(error.value)
    assert f"MD5:    {datasets.Stability.md5}\n  folder: {folder}" in str(error.value)


def test_half_an_archive_is_not_used(folder, monkeypatch):
    files.make("stability", folder, monkeypatch)
    archive = folder / "stability.tar.gz"
    archive.write_bytes(archive.read_bytes()[:300])
    with pytest.raises(InputError, match="is there, but it is damaged or another file"):
        datasets.Stability(str(folder))
    assert os.listdir(folder) == ["stability.tar.gz"]


def test_torchdrugs_functions_are_replaced_once():
    assert utils.download is torchdrug_files.download
    assert utils.extract is torchdrug_files.extract
    before = ProteinDataset.load_lmdbs, tasks.PropertyPrediction.preprocess
    compat.apply()
    assert (ProteinDataset.load_lmdbs, tasks.PropertyPrediction.preprocess) == before
    assert "Load the dataset from lmdb files" in ProteinDataset.load_lmdbs.__doc__


def prepared(dataset, **options):
    offsets = [0, *np.cumsum(dataset.num_samples)]
    splits = [torch.utils.data.Subset(dataset, range(a, b)) for a, b in pairwise(offsets)]
    model = models.ProteinCNN(21, [8])
    task = tasks.PropertyPrediction(model, task=["y"], **options)
    task.preprocess(*splits)
    return task


def classification(dataset, **options):
    return prepared(dataset, criterion="ce", metric=["acc"], **options)


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_without_a_number(split, tmp_path):
    """TorchDrug's errors would be 0 there."""
    splits = [records(0.5, 0.25), records(0.25, math.nan), records(0.75)]
    lacking = ["train", "valid", "test"].index(split)
    splits[lacking] = records(*[math.nan] * len(splits[lacking]))
    dataset = load(tmp_path, *splits, lazy=True)
    with pytest.raises(InputError, match=rf"'y': all \d numbers of '{split}' are missing"):
        prepared(dataset, criterion="mse", metric=["rmse"])


def test_a_class_that_only_the_test_set_has(tmp_path):
    dataset = load(tmp_path, records(0, 1), records(1), records(0, 4), lazy=True)
    with pytest.raises(InputError, match=r"'y': classes \[4\] occur in 'test' and never in train"):
        classification(dataset)
    task = classification(dataset, num_class=5)
    pred = task.predict({"graph": PackedProtein.from_sequence(["MK", "MV"], **SEQUENCE)})
    assert pred.shape == (2, 5)


def test_a_class_between_those_of_training(tmp_path):
    """TorchDrug has an output for it, which nothing ever trains."""
    dataset = load(tmp_path, records(0, 2), records(1), records(0, 2), lazy=True)
    with pytest.raises(InputError, match=r"'y': classes \[1\] occur in 'valid' .*`num_class`"):
        classification(dataset)
    assert classification(dataset, num_class=3).num_class == (3,)


def test_more_classes_than_were_given(tmp_path):
    dataset = load(tmp_path, records(0, 1), records(1), records(0, 3), lazy=True)
    with pytest.raises(InputError, match=r"'y': classes \[3\] occur in 'test'"):
        classification(dataset, num_class=3)


def test_classes_stored_as_floats(tmp_path):
    """TorchDrug counts classes by whole numbers only."""
    dataset = load(tmp_path, records(0.0, 2, 1.0, math.nan), records(1), records(2.0), lazy=True)
    task = classification(dataset)
    assert task.num_class == [3]
    assert [type(y) for y in dataset.targets["y"]] == [int, int, int, float, int, int]
    assert [dataset[i]["y"] for i in (0, 1, 2)] == [0, 2, 1]


def test_whole_numbers_stay_numbers_where_no_classes_are_asked_for(tmp_path):
    dataset = load(tmp_path, records(0.0, 2.0), records(1.0), records(2.0), lazy=True)
    prepared(dataset, criterion="mse", metric=["rmse"])
    assert [type(y) for y in dataset.targets["y"]] == [float] * 4


@pytest.mark.parametrize("value", [0.7, -1, -1.0, math.nextafter(1, 2)])
@pytest.mark.parametrize("options", [{}, {"num_class": 2}])
def test_numbers_that_are_no_classes(value, options, tmp_path):
    dataset = load(tmp_path, records(0, 1), records(0, 1, value), records(0), lazy=True)
    message = rf"y_1.lmdb, record 2: 'y' is {value}; expected the number of a class: 0, 1, …"
    with pytest.raises(InputError, match=message):
        classification(dataset, **options)


@pytest.mark.parametrize("value", [np.array([0.5, 1.5]), [0.5, 1.5], [0.5], {}])
@pytest.mark.parametrize("criterion", ["mse", "bce", "ce"])
def test_several_values_where_a_task_takes_one(value, criterion, tmp_path):
    dataset = load(tmp_path, records(0, 1), records(0), records(0, value), lazy=True)
    with pytest.raises(InputError, match=r"y_2.lmdb, record 1: 'y' is .*; expected one number"):
        prepared(dataset, criterion=criterion, metric=["rmse"])


def test_a_table_has_no_record(tmp_path):
    path = tmp_path / "y.csv"
    path.write_text("sequence,y,split\nMK,0,train\nMKV,1,train\nMV,0.5,valid\nML,1,test\n")
    splits = ProteinTable(path, "y", split="split").split()
    task = tasks.PropertyPrediction(models.ProteinCNN(21, [8]), ["y"], "ce", ["acc"])
    with pytest.raises(InputError, match=r"ProteinTable, item 2: 'y' is 0.5; expected the number"):
        task.preprocess(*splits)
