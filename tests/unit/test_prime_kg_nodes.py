"""What PrimeKG's nodes are, as BioBridge's files say."""

import csv
import pickle

import graph_files
import numpy as np
import pytest

from protclip_td.datasets.prime_kg_nodes import (
    read_node_list,
    read_node_sequences,
    read_node_vectors,
)
from protclip_td.errors import InputError


@pytest.fixture(scope="module")
def of_pickle(tmp_path_factory):
    """Vectors of the drugs in a pickle as it is published."""
    folder = graph_files.write_prime_kg(tmp_path_factory.mktemp("data"), ["MKTAYIAKQR"] * 4)
    return read_node_vectors(folder / "drug.pkl")


@pytest.mark.parametrize("start", [0, 60, -30])
def test_damaged_vectors(of_pickle, tmp_path, start):
    path = tmp_path / "drug.npz"
    np.savez_compressed(path, node_index=list(of_pickle), embedding=[*of_pickle.values()])
    content = bytearray(path.read_bytes())
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"drug.npz is damaged"):
        read_node_vectors(path)


def test_vectors_of_drugs_from_numpy_and_pickle(of_pickle, tmp_path):
    path = tmp_path / "drug.npz"
    np.savez(path, node_index=list(of_pickle), embedding=np.stack(list(of_pickle.values())))
    of_numpy = read_node_vectors(path)
    assert of_numpy.keys() == of_pickle.keys()
    assert all((of_numpy[index] == of_pickle[index]).all() for index in of_numpy)


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Evil()), "may run code"),
        (pickle.dumps({"node_index": [1]}), "has no `node_index` and `embedding`"),
        (pickle.dumps([1, 2]), "holds a list; expected a dict"),
        (pickle.dumps({"node_index": [1], "embedding": [[1.0], [2.0]]}), "one vector per node"),
        (pickle.dumps({"node_index": [1], "embedding": [1.0]}), "one vector per node"),
        (pickle.dumps({"node_index": [], "embedding": np.zeros((0, 3))}), "one vector per node"),
        (pickle.dumps({"node_index": ["a"], "embedding": [[1.0]]}), "`embedding` in numbers"),
        (pickle.dumps({"node_index": [1], "embedding": [[float("nan")]]}), "NaN or infinite"),
        (pickle.dumps({"node_index": [10**30], "embedding": [[1.0]]}), "`embedding` in numbers"),
        (b"version https://git-lfs", "drug.pkl"),
    ],
)
def test_bad_vectors(tmp_path, content, message):
    (tmp_path / "drug.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_node_vectors(tmp_path / "drug.pkl")


def test_damaged_numpy_file(tmp_path):
    (tmp_path / "drug.npz").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match=r"drug\.npz is damaged"):
        read_node_vectors(tmp_path / "drug.npz")


def test_one_array_in_place_of_a_numpy_archive(tmp_path):
    with (tmp_path / "drug.npz").open("wb") as file:
        np.save(file, np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"drug\.npz is damaged .*or no \.npz of plain arrays"):
        read_node_vectors(tmp_path / "drug.npz")


def test_diseases_in_several_rows_count_once(tmp_path):
    """As in the published list, whose first columns are these."""
    folder = graph_files.write_prime_kg(tmp_path, ["MKTAYIAKQR"] * 4)
    text = (folder / "disease.csv").read_text()
    assert text.startswith("node_index,mondo_id,mondo_name,group_id_bert,group_name_bert,")
    with (folder / "disease.csv").open(newline="") as file:
        rows = [int(row["node_index"]) for row in csv.DictReader(file)]
    found = read_node_list(folder / "disease.csv")
    assert found == set(rows)
    assert len(found) < len(rows) < len(text.splitlines()) - 1


def test_numbers_as_pandas_writes_them_beside_missing_ones(tmp_path):
    path = tmp_path / "protein.csv"
    path.write_text("node_index,sequence\n27165.0,MKV\n7.,MK\n12,M\n")
    assert read_node_sequences(path) == {27165: "MKV", 7: "MK", 12: "M"}


@pytest.mark.parametrize("cell", ["27165.5", ".0", "1e3", "-1.0", "", "nan", "²"])
def test_numbers_that_are_not_whole(tmp_path, cell):
    path = tmp_path / "disease.csv"
    path.write_text(f"node_index,mondo_id\n1.0,5\n{cell},6\n")
    message = rf"disease.csv, line 3: 'node_index' is {cell!r}; expected a whole number"
    with pytest.raises(InputError, match=message):
        read_node_list(path)


def test_quoted_newlines_and_windows_line_ends(tmp_path):
    text = '\ufeffnode_index,description\r\n3,"two\r\nlines"\r\n7,one\r\n'
    (tmp_path / "disease.csv").write_bytes(text.encode())
    assert read_node_list(tmp_path / "disease.csv") == {3, 7}
    (tmp_path / "protein.csv").write_bytes(b"node_index,sequence\r\n5,MKV\r\n")
    assert read_node_sequences(tmp_path / "protein.csv") == {5: "MKV"}
