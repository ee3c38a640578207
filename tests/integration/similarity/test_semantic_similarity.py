"""Semantic similarity from files to results: PROBE's layout and own proteins."""

import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from gene_ontology_files import (
    MATRIX,
    ONTOLOGY,
    annotated_entries,
    write_matrix,
)
from places import PRETRAINED
from scipy import stats
from scipy.spatial import distance
from torchdrug import core
from torchdrug import data as torchdrug_data

from protclip_td import cli
from protclip_td.config import find_config, load_config
from protclip_td.config.manual import header
from protclip_td.data.digests import md5_of
from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.ontology import read_ontology
from protclip_td.datasets import PROBE
from protclip_td.errors import InputError
from protclip_td.metrics import similarity_correlation
from protclip_td.models import ProtCLIP
from protclip_td.run import run
from protclip_td.tasks import SemanticSimilarity

RELEASED = Path(__file__).resolve().parents[2] / "data" / "released_tiny"
METRICS = {
    "spearmanr [manhattan]",
    "spearmanr [cosine]",
    "spearmanr [euclidean]",
    "number of pairs",
}


def results(output_dir):
    (path,) = output_dir.glob("*/results.json")
    return json.loads(path.read_text())


# The data set


@pytest.mark.parametrize("aspect", ["MF", "BP", "CC"])
def test_published_files(written, aspect, sample_path):
    dataset = PROBE(written, aspect)
    train, valid, test = dataset.split()
    assert (len(train), len(valid), len(test)) == (0, 0, len(dataset))
    sequence = {entry.accession: entry.sequence for entry in annotated_entries(sample_path)}
    header, *rows = (written / "probe" / MATRIX.format(aspect, 500)).read_text().splitlines()
    for item, accession, row in zip(test, header.replace('"', "").split(","), rows, strict=True):
        letters = bytes(item["graph"].residue_letter.tolist()).decode()
        assert letters == sequence[accession]
        assert item["similarity"].tolist() == pytest.approx([float(v) for v in row.split(",")])
    assert dataset.manifest["pairs"] == len(dataset) * (len(dataset) - 1) / 2


def test_200_and_sparse(written):
    assert len(PROBE(written, "MF", proteins=200)) == 12
    whole, sparse = PROBE(written, "MF"), PROBE(written, "MF", proteins="sparse")
    known = {(i, j) for i, j in (~sparse.similarity.isnan()).nonzero().tolist()}
    assert known == {(i, j) for i in range(5) for j in range(i + 1, 10)}
    assert all(sparse.similarity[pair] == whole.similarity[pair] for pair in known)


def test_own_proteins_get_the_same_measure(written, own):
    """PROBE's layout holds the same similarities, in three digits and another order."""
    computed, published = PROBE(written, "BP", **own), PROBE(written, "BP")
    order = [computed.accessions.index(accession) for accession in published.accessions]
    torch.testing.assert_close(
        computed.similarity[order][:, order], published.similarity, atol=6e-4, rtol=0
    )


@pytest.mark.parametrize("evidence", [(), ("IEA",), ("IEA", "IDA")])
def test_those_with_the_most_annotations_that_count_come_first(written, own, evidence):
    terms = read_annotations(own["annotation"], read_ontology(ONTOLOGY), "BP", evidence)
    ordered = sorted(terms, key=lambda accession: (-len(terms[accession]), accession))
    assert len(set(map(len, terms.values()))) > 3
    whole = PROBE(written, "BP", **own, without_evidence=evidence)
    assert whole.accessions == ordered
    some = PROBE(written, "BP", **own, without_evidence=evidence, num_protein=5)
    assert some.accessions == ordered[:5]
    torch.testing.assert_close(some.similarity, whole.similarity[:5, :5])


# The task


def test_evaluation_pair_by_pair(written, tiny_protein_folder):
    dataset = PROBE(written, "MF", proteins=200)
    model = ProtCLIP(protein_encoder=tiny_protein_folder)
    task = SemanticSimilarity(model).eval()
    feature = model.protein_features(dataset.sequences).numpy()
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12)]
    known = [dataset.similarity[pair].item() for pair in pairs]
    lengths = np.abs(feature).sum(1)
    manhattan = [
        1 - distance.cityblock(feature[i], feature[j]) / (lengths[i] + lengths[j]) for i, j in pairs
    ]
    optimizer = torch.optim.SGD(task.parameters(), lr=0)
    engine = core.Engine(task, *dataset.split(), optimizer, batch_size=5)
    metrics = engine.evaluate("test")
    assert set(metrics) == METRICS
    expected = stats.spearmanr(manhattan, known).statistic
    assert metrics["spearmanr [manhattan]"].item() == pytest.approx(expected, abs=1e-5)
    assert metrics["number of pairs"] == len(pairs)


def test_order_and_repeated_rows_do_not_matter(written):
    """TorchDrug's sampler hands some rows to two processes."""
    dataset, feature = PROBE(written, "MF", proteins="sparse"), torch.randn(29, 6)
    task = SemanticSimilarity(torch.nn.Identity())

    def evaluate(order):
        target = {"similarity": dataset.similarity[order], "index": torch.tensor(order)}
        return task.evaluate(feature[order], target)

    whole = evaluate(list(range(29)))
    assert evaluate([*reversed(range(29)), 0, 3, 5]) == whole
    expected = similarity_correlation(feature, dataset.similarity)
    assert whole["spearmanr [cosine]"] == pytest.approx(expected["cosine"])


def test_nothing_to_train(written, tiny_protein_folder):
    dataset = PROBE(written, "MF")
    task = SemanticSimilarity(ProtCLIP(protein_encoder=tiny_protein_folder))
    batch = torchdrug_data.graph_collate([dataset[0], dataset[1]])
    with pytest.raises(InputError, match=r"nothing to train: .* Set `train: \{num_epoch: 0\}`"):
        task(batch)


# From the command line


@pytest.mark.parametrize("name", ["similarity_mf", "similarity_bp", "similarity_cc"])
def test_one_command(name, written, tiny_protein_folder, tmp_path):
    flags = [f"--path={written}", f"--encoder={tiny_protein_folder}", f"--output_dir={tmp_path}"]
    run(load_config(name, flags))
    found = results(tmp_path)
    assert found.keys() >= METRICS
    assert all(math.isfinite(found[metric]) for metric in METRICS)
    num_protein = len(PROBE(written, name[-2:].upper()))
    assert found["number of pairs"] == num_protein * (num_protein - 1) / 2


def test_own_proteins_and_another_encoder(own, tmp_path):
    flags = [f"--{name}={path}" for name, path in own.items()]
    flags += ["--aspect=CC", "--encoder=ProteinCNN", "--num_protein=10", f"--output_dir={tmp_path}"]
    run(load_config("semantic_similarity", flags))
    assert results(tmp_path)["number of pairs"] == 45


HEADERS = [
    f"downstream/{name}" for name in ("semantic_similarity", "similarity_mf", "similarity_bp")
]


@pytest.mark.parametrize("name", HEADERS)
def test_header_commands_run(name, written, own, tmp_path, monkeypatch):
    """As a reader types them, with the data where they are looked for by default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("protein-datasets").symlink_to(written)
    Path("path/to").mkdir(parents=True)
    Path("path/to/ProtCLIP").symlink_to(RELEASED)
    for file, path in zip(("mine.fasta", "mine.gaf", "go-basic.obo"), own.values(), strict=True):
        Path(file).symlink_to(path)
    text = "\n".join(header(find_config(name).read_text()))
    commands = re.findall(r"^ +python -m torchdrug.run (.*?[^\\])$", text, re.DOTALL | re.MULTILINE)
    assert commands
    for command in commands:
        assert cli.main(["run", *shlex.split(command.replace("\\\n", " "))]) == 0
    assert len(list(tmp_path.glob("runs/*/*/results.json"))) == len(commands)


@pytest.mark.skipif(
    not PRETRAINED.exists(),
    reason="needs pretrained weights: docs/learning.md says which, and where",
)
def test_pretrained_and_random_encoders_can_be_told_apart(written):
    """And with the embeddings handed to the wrong proteins nothing is left."""
    dataset = PROBE(written, "MF")
    pretrained, untrained = (
        ProtCLIP(protein_encoder=source).protein_features(dataset.sequences)
        for source in (str(PRETRAINED), "random:ESM-2-8M")
    )
    score = similarity_correlation(pretrained, dataset.similarity)["manhattan"]
    assert score > similarity_correlation(untrained, dataset.similarity)["manhattan"] + 0.15
    shuffled = [
        similarity_correlation(pretrained[torch.randperm(len(dataset))], dataset.similarity)
        for _ in range(20)
    ]
    assert abs(np.mean([scores["manhattan"] for scores in shuffled])) < 0.1


def test_manifest_tells_from_which_files(folder, own):
    """Another release of the sequences has the same counts, but is other data."""
    probe = folder / "probe"
    before = PROBE(folder, "MF", proteins="sparse").manifest
    matrix = MATRIX.format("MF", 500)
    coordinates = "SparsifiedSimilarityCoordinates_MF_for_highest_500.npy"
    names = ("human_reviewed.fasta.gz", matrix, coordinates)
    assert before["files"] == {name: md5_of(probe / name) for name in names}
    accessions = PROBE(folder, "MF").accessions
    write_matrix(probe / matrix, accessions, np.full((len(accessions),) * 2, 0.5))
    after = PROBE(folder, "MF", proteins="sparse").manifest
    assert {key for key in before if before[key] != after[key]} == {"files"}
    assert before["protocol"] is None
    files = PROBE(folder, "MF", **own).manifest["files"]
    assert PROBE(folder, "MF", **own).manifest["protocol"].startswith("similarities computed from")
    assert files == {Path(path).name: md5_of(path) for path in own.values()}


@pytest.mark.parametrize("aspect", ["MF", "BP", "CC"])
def test_what_knows_the_terms_is_told_from_shuffled_proteins(aspect, written):
    """Where there are too few proteins for a pretrained encoder to stand out, terms do."""
    dataset, ontology = PROBE(written, aspect), read_ontology(ONTOLOGY)
    annotations = read_annotations(written / "probe" / "sample.gaf", ontology, aspect, ("IEA",))
    above = [
        set().union(*map(ontology.ancestors, annotations[accession]))
        for accession in dataset.accessions
    ]
    terms = sorted(set().union(*above))
    feature = torch.tensor([[float(term in mine) for term in terms] for mine in above])
    task = SemanticSimilarity(torch.nn.Identity())

    def score(rows):
        target = {"similarity": dataset.similarity, "index": torch.arange(len(dataset))}
        return float(task.evaluate(feature[rows], target)["spearmanr [manhattan]"])

    shuffled = [score(torch.randperm(len(dataset))) for _ in range(20)]
    assert score(torch.arange(len(dataset))) > 0.5
    assert abs(np.mean(shuffled)) < 0.1
    assert np.abs(shuffled).max() < 0.4
