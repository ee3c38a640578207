"""Reading PrimeKG, holding nodes out, and drawing negatives."""

import csv
import pickle
import random
import shutil
from collections import Counter
from pathlib import Path

import graph_files
import numpy as np
import pytest
import torch
from torchdrug.data import graph_collate

from protclip_td.data.digests import md5_of
from protclip_td.data.outside.remote import PublishedFile
from protclip_td.datasets import PrimeKG
from protclip_td.datasets.prime_kg_graph import NODE_TYPES, KnowledgeGraph, read_graph
from protclip_td.datasets.prime_kg_nodes import (
    read_node_sequences,
    read_node_vectors,
)
from protclip_td.datasets.prime_kg_split import draw_negatives, hold_out
from protclip_td.errors import InputError

KG = ",".join(graph_files.KG_HEADER)
TARGETS = ("prot2bp", "prot2mf", "prot2cc", "prot2drug", "disease2prot")


@pytest.fixture(autouse=True)
def small_graph(monkeypatch):
    graph_files.allow_small_graph(monkeypatch)


@pytest.fixture(scope="module")
def folder(sample_entries, tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    return graph_files.write_prime_kg(path, graph_files.two_kinds(sample_entries, 22))


@pytest.fixture(scope="module")
def graph(folder):
    nodes = dict.fromkeys(NODE_TYPES) | {"gene/protein": range(44)}
    return read_graph(folder / "kg.csv", nodes)


def named(graph):
    """Triplets as PrimeKG numbers its nodes."""
    return {(graph.index[h], graph.relation_name[r], graph.index[t]) for h, r, t in graph.triplets}


def rows_that_count(folder, proteins):
    """Lines of the graph between nodes of the six types, proteins among the given ones."""

    def counts(node_type, index):
        return node_type in NODE_TYPES and (node_type != "gene/protein" or int(index) in proteins)

    with (folder / "kg.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        row for row in rows if all(counts(row[f"{s}_type"], row[f"{s}_index"]) for s in ("x", "y"))
    ]


def test_graph_holds_what_counts_once(folder, graph):
    kept = rows_that_count(folder, range(44))
    assert len(kept) == len((folder / "kg.csv").read_text().splitlines()) - 1 - 4
    keys = ("x_index", "display_relation", "y_index")
    expected = dict.fromkeys((int(r[keys[0]]), r[keys[1]], int(r[keys[2]])) for r in kept)
    assert named(graph) == set(expected)
    assert graph.relation_name == [*dict.fromkeys(row["display_relation"] for row in kept)]
    heads = [int(row["x_index"]) for row in kept]
    assert graph.index[graph.triplets[:, 0]].tolist() == [head for head, _, _ in expected]
    assert set(heads) == set(graph.index.tolist())
    by_index = {int(r["x_index"]): (r["x_name"], r["x_type"]) for r in kept}
    for node, index in enumerate(graph.index.tolist()):
        assert (graph.name[node], NODE_TYPES[graph.type[node]]) == by_index[index]


def test_repeated_lines_count_once(folder, tmp_path, graph):
    text = (folder / "kg.csv").read_text()
    body = text.partition("\n")[2]
    (tmp_path / "kg.csv").write_bytes(b"\xef\xbb\xbf" + (text + body).encode())
    again = read_graph(tmp_path / "kg.csv", dict.fromkeys(NODE_TYPES))
    assert named(graph) < named(again)
    assert len(again.triplets) == len(named(again))


def test_names_of_two_lines(tmp_path):
    nodes = '1,1,drug,"two\nlines",S,2,2,drug,"a ""b""",S', "2,2,drug,x,S,3,3,drug,NA,S"
    (tmp_path / "kg.csv").write_text("\n".join([KG, *(f"ppi,p,{node}" for node in nodes), ""]))
    assert read_graph(tmp_path / "kg.csv", {"drug": None}).name == ["two\nlines", 'a "b"', "NA"]


def slow_published_test(folder, count):
    """Test heads as the published code draws them, with its pandas steps written out."""
    rows = [(int(row["x_index"]), row["x_type"]) for row in rows_that_count(folder, count)]
    np.random.seed(42)
    drawn = []
    for node_type in dict.fromkeys(kind for _, kind in rows):
        heads = np.array(list(dict.fromkeys(head for head, kind in rows if kind == node_type)))
        drawn += np.random.choice(heads, size=int(0.1 * len(heads)), replace=False).tolist()
    return drawn


def test_test_nodes_as_published(folder, graph):
    held_out = hold_out(graph, "gene/protein", "published", 0.1, 0.0, seed=42)
    assert graph.index[held_out.test].tolist() == slow_published_test(folder, range(44))
    assert len(held_out.valid) == 0


def test_published_leaves_reverse_edges_in_and_clean_does_not(graph):
    for split, leaks in (("published", True), ("clean", False)):
        held_out = hold_out(graph, "gene/protein", split, 0.1, 0.1, seed=42)
        nodes = {*held_out.test.tolist(), *held_out.valid.tolist()}
        assert len(nodes) == len(held_out.test) + len(held_out.valid)
        train = graph.triplets[held_out.train_rows]
        assert not nodes & set(train[:, 0].tolist())
        assert bool(nodes & set(train[:, 2].tolist())) == leaks
        valid_types = {NODE_TYPES[graph.type[node]] for node in held_out.valid.tolist()}
        assert valid_types == {"gene/protein"}


def test_no_node_is_for_both_whatever_the_seed(graph):
    drawn = [hold_out(graph, "gene/protein", "clean", 0.3, 0.5, seed) for seed in range(5)]
    for held_out in drawn:
        assert not set(held_out.test.tolist()) & set(held_out.valid.tolist())
    assert len({tuple(held_out.test.tolist()) for held_out in drawn}) == 5


@pytest.mark.parametrize("num", [3, 12, 50])
def test_negatives(graph, num):
    """Tails of the right type that training never links to the head, each once."""
    rows = hold_out(graph, "gene/protein", "clean", 0.1, 0.1, seed=42).train_rows
    train = graph.triplets[rows]
    heads = set(train[:, 0].tolist())
    partners = {}
    for head, _, tail in train.tolist():
        partners.setdefault(head, set()).add(tail)
    for (head, _, tail), drawn in zip(train.tolist(), draw_negatives(graph, rows, num, seed=0)):
        free = {n for n in heads if graph.type[n] == graph.type[tail]} - partners[head]
        there = drawn[drawn >= 0].tolist()
        assert set(there) <= free
        assert len(set(there)) == len(there) == min(num, len(free))


def test_negatives_are_seeded_and_even():
    """40 heads, each linked to a third of 90 tails: every free tail is drawn about as often."""
    links = np.argwhere(np.random.default_rng(0).random((40, 90)) < 0.33)
    links[:, 1] += 40
    triplets = np.insert(links, 1, 0, axis=1)
    both = np.concatenate([triplets, triplets[:, ::-1]])
    node_type = np.array([1] * 40 + [0] * 90)
    graph = KnowledgeGraph(np.arange(130), [""] * 130, node_type, ["r"], both)
    rows = np.arange(len(both))
    negatives = draw_negatives(graph, rows, 20, seed=1)
    assert (draw_negatives(graph, rows, 20, seed=1) == negatives).all()
    assert (draw_negatives(graph, rows, 20, seed=2) != negatives).any()
    counts = np.bincount(negatives[: len(triplets)].flatten(), minlength=130)
    assert counts[:40].sum() == 0
    assert counts[40:].min() > 0.6 * counts[40:].mean()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("relations", ["all", "target"])
def test_questions_and_answers(folder, target, relations):
    dataset = PrimeKG(str(folder.parent), target=target, relations=relations)
    graph, (train, valid, test) = dataset.graph, dataset.split()
    assert (train[0]["head"], train[0]["tail"]) == tuple(dataset._train[0][[0, 2]])
    for part in (valid, test):
        for item in (part[i] for i in range(len(part))):
            rows = graph.triplets[:, :2] == [item["head"], item["relation"]]
            tails = graph.triplets[rows.all(1), 2]
            tails = tails[graph.type[tails] == NODE_TYPES.index(dataset.target.tail_type)]
            answers = dataset.candidates[dataset.answers[item["head"], item["relation"]]]
            assert sorted(answers.tolist()) == sorted(tails.tolist())
    kinds = set(graph.type.tolist())
    assert len(kinds) == (6 if relations == "all" else 2)
    assert dataset.manifest["candidates"] == len(graph.nodes_of(dataset.target.tail_type))


@pytest.mark.parametrize("relations", ["all", "target"])
def test_relations_that_train(folder, relations):
    """The file has edges between two proteins, and between two diseases, too."""
    dataset = PrimeKG(str(folder.parent), target="disease2prot", relations=relations)
    train = dataset.split()[0]
    items = [train[i] for i in range(len(train))]
    kinds = {tuple(dataset.graph.type[[item["head"], item["tail"]]].tolist()) for item in items}
    ends = (NODE_TYPES.index("disease"), NODE_TYPES.index("gene/protein"))
    assert kinds >= {ends, ends[::-1]}
    assert (len(kinds) == 2) == (relations == "target")
    held_out = {*dataset.held_out.test.tolist(), *dataset.held_out.valid.tolist()}
    partners = {}
    for item in items:
        assert not held_out & {item["head"], item["tail"]}
        partners.setdefault(item["head"], set()).add(item["tail"])
    for item in items:
        drawn = {node for node in item["negatives"].tolist() if node >= 0}
        assert {dataset.graph.type[node] for node in drawn} <= {dataset.graph.type[item["tail"]]}
        assert not drawn & partners[item["head"]]


def test_a_batch_is_its_items(folder):
    for part in PrimeKG(str(folder.parent), target="prot2mf").split():
        dataset, rows = part.dataset, [part.indices[i] for i in (2, 0, 1)]
        expected = graph_collate([dataset[row] for row in rows])
        batch = dataset.get_batch(rows)
        assert list(batch) == list(expected)
        for name, values in batch.items():
            assert torch.equal(values, expected[name])
            assert values.dtype == torch.int64
    assert [type(value) for value in dataset[rows[0]].values()] == [int, int]
    with pytest.raises(ValueError, match="training triplets and of questions"):
        dataset.get_batch([0, rows[0]])


def test_inputs_of_the_encoders_are_in_the_order_of_the_nodes(folder, tmp_path):
    """Which the file's lines bring up one by one, whatever their numbers in PrimeKG."""
    copy = Path(shutil.copytree(folder, tmp_path / "primekg"))
    header, *lines = (copy / "kg.csv").read_text().splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    (copy / "kg.csv").write_text("".join([header, *lines]))
    dataset = PrimeKG(str(tmp_path))

    def numbers(node_type):
        found = dataset.graph.index[dataset.graph.nodes_of(node_type)].tolist()
        assert found != sorted(found)
        return found

    sequence_of = read_node_sequences(copy / "protein.csv")
    assert dataset.sequences() == [sequence_of[number] for number in numbers("gene/protein")]
    vector_of = read_node_vectors(copy / "drug.pkl")
    expected = np.stack([vector_of[number] for number in numbers("drug")])
    assert (dataset.drug_vectors().numpy() == expected).all()


def test_candidates_of_the_published_protocol_are_seen_often(folder, monkeypatch):
    monkeypatch.setattr("protclip_td.datasets.prime_kg._PUBLISHED_COUNT", 9)
    clean = PrimeKG(str(folder.parent))
    published = PrimeKG(str(folder.parent), split="published")
    asked = clean.graph.triplets[clean.graph.between(*clean.target), 2].tolist()
    expected = [node for node in clean.candidates.tolist() if asked.count(node) >= 9]
    assert 0 < len(expected) < len(clean.candidates)
    assert published.candidates.tolist() == expected


def test_tails_are_counted_in_each_relation_alone(folder, tmp_path, monkeypatch):
    """A drug that is often linked, but by no relation often, is no candidate."""
    data = Path(shutil.copytree(folder, tmp_path / "primekg"))
    header, *lines = (data / "kg.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    drugs = [row for row in rows if "drug_protein" in row[0]]
    for row in drugs:
        row[1] = ("target", "enzyme", "carrier")[(int(row[2]) + int(row[7])) % 3]
    (data / "kg.csv").write_text("\n".join([header, *map(",".join, rows), ""]))
    monkeypatch.setattr("protclip_td.datasets.prime_kg._PUBLISHED_COUNT", 4)
    options = {"target": "prot2drug", "relations": "target", "split": "published"}
    dataset = PrimeKG(str(tmp_path), **options)
    counts, total = Counter(), Counter()
    for row in drugs:
        if row[4] == "gene/protein":
            counts[row[1], int(row[7])] += 1
            total[int(row[7])] += 1
    expected = {drug for (_, drug), count in counts.items() if count >= 4}
    assert expected < {drug for drug, count in total.items() if count >= 4}
    assert set(dataset.graph.index[dataset.candidates].tolist()) == expected


def test_manifest_tells_what_was_asked_for_and_from_which_files(folder, tmp_path):
    data = Path(shutil.copytree(folder, tmp_path / "primekg"))
    manifest = PrimeKG(str(tmp_path), target="prot2drug", relations="target").manifest
    assert (manifest["relations"], manifest["valid_fraction"]) == ("target", 0.1)
    assert manifest["files"] == {
        name: md5_of(data / name) for name in ("protein.csv", "drug.pkl", "kg.csv")
    }
    with (data / "drug.pkl").open("rb") as file:
        content = pickle.load(file)
    np.savez(data / "drug.npz", node_index=content["node_index"], embedding=content["embedding"])
    again = PrimeKG(str(tmp_path), target="prot2drug").manifest
    assert (again["relations"], len(again["files"])) == ("all", 7)
    assert again["files"]["drug.npz"] == md5_of(data / "drug.npz")


def test_without_validation_the_last_epoch_counts(folder):
    dataset = PrimeKG(str(folder.parent), split="published", valid_fraction=0, **FEW)
    assert [len(part) > 0 for part in dataset.split()] == [True, False, True]
    assert dataset.manifest["selected_on"] is None


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        ({}, "clean"),
        ({"relations": "target"}, "clean, target's relations"),
        ({"split": "published", "valid_fraction": 0}, "published"),
        ({"split": "published"}, "published, with validation"),
        (
            {"split": "published", "relations": "target", "valid_fraction": 0},
            "published, target's relations",
        ),
    ],
)
def test_protocol_is_named(folder, options, protocol):
    assert PrimeKG(str(folder.parent), **FEW, **options).manifest["protocol"] == protocol


FEW = {"target": "prot2mf"}


@pytest.fixture(autouse=True)
def rarely_seen(monkeypatch):
    monkeypatch.setattr("protclip_td.datasets.prime_kg._PUBLISHED_COUNT", 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "prot2dna"}, "target: 'prot2dna' given; expected one of"),
        ({"split": "dirty"}, "split: 'dirty' given"),
        ({"relations": "some"}, "relations: 'some' given"),
        ({"test_fraction": 1.0}, "test_fraction: 1.0 given; expected a share"),
        ({"test_fraction": "0.1"}, "test_fraction: '0.1' given; expected a share"),
        ({"num_negative": 2.5}, "num_negative: 2.5 given; expected a whole number"),
        ({"test_fraction": 0.01}, "nothing is left for test .*too small for split 'clean'"),
    ],
)
def test_bad_options(folder, options, message):
    with pytest.raises(ValueError, match=message):
        PrimeKG(str(folder.parent), **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("kg.csv", "relation,x_index\n", r"kg.csv: Column 'x_type'.*; expected the columns \['x_i"),
        ("kg.csv", "", "kg.csv is damaged or no table of text .*Empty"),
        ("kg.csv", f"{KG}\n", "kg.csv has no triplet between nodes of"),
        ("kg.csv", f"{KG}\n{'x' * 200_000}\n", r"kg.csv is damaged .*Row #2: Expected 12 .{,200}$"),
        ("kg.csv", f"{KG}\nppi,p\udcff,1,1,drug,D,S,2,2,drug,E,S\n", "damaged .*Row #2.*UTF8"),
        ("kg.csv", f"{KG}\nppi,p,1,1,drug,D,S,D2,2,drug,E,S\n", "Row #2: .*int64: invalid.*'D2'"),
        ("kg.csv", f"{KG}\nppi,p,,1,drug,D,S,2,2,drug,E,S\n", "Row #2: .*int64: invalid value ''"),
        (
            "kg.csv",
            None,
            r"kg.csv is damaged .*Row #\d+: Expected 12 columns, got \d+.*; replace it",
        ),
        ("protein.csv", "node_index,sequence\n0,MKV\n1,MK-V\n", "line 3.*'-' are no residues"),
        ("protein.csv", "node_index,sequence\nP1,MKV\n", "'node_index' is 'P1'; expected a whole"),
        ("protein.csv", "node_index,seq\n0,MKV\n", "no column 'sequence'"),
        ("protein.csv", "node_index,sequence\n999,MKV\n", "has no triplet from gene/protein"),
        ("biological.csv", "version https://git-lfs\noid\n", "no column 'node_index'"),
    ],
)
def test_bad_files(folder, tmp_path, name, content, message):
    copy = tmp_path / "primekg"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    whole = (copy / name).read_text()
    text = whole[: len(whole) // 2] if content is None else content
    (copy / name).write_text(text, errors="surrogateescape")
    with pytest.raises(InputError, match=message):
        PrimeKG(str(tmp_path), relations="target")


def test_missing_and_other_files_say_where_they_belong(folder, tmp_path, monkeypatch, offline):
    with pytest.raises(ValueError, match=r"biological.csv and 6 more are missing") as error:
        PrimeKG(str(tmp_path))
    said = str(error.value)
    for name in ("biological.csv", "protein.csv", "drug.pkl", "kg.csv"):
        assert f"file:   {name}\n" in said
    assert said.count("from:   https://") == said.count(f"folder: {tmp_path}/primekg") == 7
    shutil.copytree(folder, tmp_path / "primekg", dirs_exist_ok=True)
    (tmp_path / "primekg" / "kg.csv").unlink()
    with pytest.raises(ValueError, match=r"^kg.csv is missing and cannot be fetched"):
        PrimeKG(str(tmp_path))
    published = PrimeKG.files["kg.csv"][0], PublishedFile(md5="0" * 32)
    monkeypatch.setitem(PrimeKG.files, "kg.csv", published)
    with pytest.raises(ValueError, match=r"(?s)kg.csv is there, but.*MD5: +00000.*primekg"):
        PrimeKG(str(folder.parent))


def test_half_a_file_of_nodes_is_not_used(folder, tmp_path, monkeypatch):
    half = (folder / "protein.csv").read_bytes().splitlines(keepends=True)[:23]
    (tmp_path / "primekg").mkdir()
    (tmp_path / "primekg" / "protein.csv").write_bytes(b"".join(half))
    published = PrimeKG.files["protein.csv"][0], PublishedFile(size=20_000, sha256="0" * 64)
    monkeypatch.setitem(PrimeKG.files, "protein.csv", published)
    message = r"(?s)protein.csv is there, but .*of 20,000 bytes.*SHA256: 0+\n  folder: .*primekg"
    with pytest.raises(InputError, match=message):
        PrimeKG(str(tmp_path), relations="target")
