"""Files for semantic similarity that are missing, cut or of another layout."""

import gzip
import logging
import re
from urllib.error import URLError

import numpy as np
import pytest
import torch
from gene_ontology_files import (
    MATRIX,
    annotated_entries,
    write_fasta,
    write_matrix,
)

from protclip_td.datasets import PROBE
from protclip_td.datasets.probe import HUMAN_URL
from protclip_td.datasets.probe_files import FASTA_FILE, FASTA_URL, ZIP_URL
from protclip_td.errors import InputError

# What `conftest.py` takes away from the small matrices of tests.
PUBLISHED = PROBE.published


def test_missing_matrix(folder):
    (folder / "probe" / MATRIX.format("MF", 500)).unlink()
    with pytest.raises(InputError, match=rf"{MATRIX.format('MF', 500)} is missing") as error:
        PROBE(folder, "MF")
    said = str(error.value)
    assert f"from:   {ZIP_URL} (PROBE's zip" in said
    assert f"{FASTA_URL}; put beside this file as {FASTA_FILE}, they are used instead" in said
    assert f"folder: {folder / 'probe'}" in said


def test_all_that_is_missing_is_named_together_and_no_page_is_fetched(tmp_path, monkeypatch):
    """Google Drive answers with a page, which is not the file."""
    opened = []

    def urlopen(url, **_):
        opened.append(url)
        raise URLError("no internet")

    monkeypatch.setattr("protclip_td.data.outside.remote.urlopen", urlopen)
    with pytest.raises(InputError, match=r"^human_reviewed.fasta.gz and 2 more are missing"):
        PROBE(tmp_path, "BP", proteins="sparse")
    assert opened == [HUMAN_URL]
    given = str(tmp_path / "mine.fasta")
    with pytest.raises(InputError, match=r"^human_BP_.* and 1 more are missing"):
        PROBE(tmp_path, "BP", proteins="sparse", sequences=given)
    assert opened == [HUMAN_URL]


def test_missing_coordinates(folder):
    (folder / "probe" / "SparsifiedSimilarityCoordinates_BP_for_highest_500.npy").unlink()
    with pytest.raises(InputError, match=r"SparsifiedSimilarityCoordinates_BP.* is missing"):
        PROBE(folder, "BP", proteins="sparse")


def test_missing_sequences(folder, offline):
    (folder / "probe" / "human_reviewed.fasta.gz").unlink()
    with pytest.raises(InputError, match=r"human_reviewed.fasta.gz is missing and cannot be fetch"):
        PROBE(folder, "MF")


@pytest.mark.parametrize("packed", [False, True])
def test_probes_own_sequences_are_used_if_they_are_there(folder, offline, packed):
    probe = folder / "probe"
    sequences = gzip.decompress((probe / "human_reviewed.fasta.gz").read_bytes())
    before = PROBE(folder, "MF")
    (probe / FASTA_FILE).write_bytes(gzip.compress(sequences) if packed else sequences)
    assert set(PROBE(folder, "MF").used) == {FASTA_FILE, MATRIX.format("MF", 500)}
    (probe / "human_reviewed.fasta.gz").unlink()
    dataset = PROBE(folder, "MF")
    assert dataset.sequences == before.sequences
    given = write_fasta([], folder / "empty.fasta")
    given.write_text(">other\nMKT\n")
    with pytest.raises(InputError, match=r"empty.fasta: .* have no sequence there"):
        PROBE(folder, "MF", sequences=given)


@pytest.mark.parametrize(
    ("aspect", "proteins", "least"),
    [("MF", 500, 497), ("BP", "sparse", 497), ("CC", 500, 495), ("CC", 200, 200)],
)
def test_half_a_matrix_is_not_used(folder, monkeypatch, aspect, proteins, least):
    size = len(PROBE(folder, aspect, proteins=proteins))
    monkeypatch.setattr(PROBE, "published", PUBLISHED)
    message = rf"human_{aspect}_.* it has {size} proteins; expected PROBE's {least}\. Replace it"
    with pytest.raises(InputError, match=message):
        PROBE(folder, aspect, proteins=proteins)
    matrix = "200" if proteins == 200 else "500"
    monkeypatch.setattr(PROBE, "published", {matrix: {aspect: size}})
    assert len(PROBE(folder, aspect, proteins=proteins)) == size


def test_a_merged_accession_is_found_in_a_flat_file(folder, sample_path, caplog):
    """The matrix has the accession of a former entry."""
    path = folder / "probe" / MATRIX.format("MF", 500)
    whole = PROBE(folder, "MF")
    text = gzip.decompress(sample_path.read_bytes()).decode()
    row, former = next(
        (row, found[1])
        for row, accession in enumerate(whole.accessions)
        if (found := re.search(rf"\nAC   {accession}; (\w+);", text))
    )
    path.write_text(path.read_text().replace(whole.accessions[row], former))
    with pytest.raises(InputError, match=rf"{former} of PROBE's .* a UniProtKB flat file as `seq"):
        PROBE(folder, "MF")
    dataset = PROBE(folder, "MF", sequences=str(sample_path))
    assert dataset.sequences == whole.sequences
    assert dataset.accessions[row] == former
    assert dataset.manifest["protocol"] is None
    assert f"1 found by a secondary accession: {former}" in caplog.text


def test_proteins_without_a_sequence(folder, sample_path, caplog):
    entries = annotated_entries(sample_path)
    whole = PROBE(folder, "MF")
    gone = whole.accessions[3]
    kept = [entry for entry in entries if entry.accession != gone]
    write_fasta(kept, folder / "probe" / "human_reviewed.fasta.gz")
    with pytest.raises(InputError, match=rf"{gone} of PROBE's 29 proteins have no sequence"):
        PROBE(folder, "MF")
    with caplog.at_level(logging.WARNING):
        dataset = PROBE(folder, "MF", allow_missing=True)
    assert f"left out for want of a sequence: {gone}" in caplog.text
    assert len(dataset) == 28
    assert dataset.similarity.shape == (28, 28)
    rest = [row for row in range(29) if row != 3]
    assert dataset.accessions == [whole.accessions[row] for row in rest]
    assert torch.equal(dataset.similarity, whole.similarity[rest][:, rest])
    assert dataset.manifest["left out for want of a sequence"] == [gone]
    assert dataset.manifest["protocol"] == "proteins left out"


def test_no_protein_left(folder, own):
    write_fasta([], folder / "empty.fasta")
    (folder / "empty.fasta").write_text(">other\nMKT\n")
    with pytest.raises(InputError, match="MF: 0 proteins with sequence and annotation"):
        PROBE(folder, "MF", sequences=folder / "empty.fasta", allow_missing=True)
    own = {**own, "sequences": str(folder / "empty.fasta")}
    with pytest.raises(InputError, match="CC: 0 proteins with sequence and annotation"):
        PROBE(folder, "CC", **own)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (['"A","B"', "1,0.5"], "1 rows for 2 proteins in the header"),
        (['"A","B"', "1,0.5", "0.4,1"], "not symmetric"),
        (['"A","B","C"', "1,0.5,0.2", "0,1,0.3", "0.2,0,1"], "not symmetric"),
        (['"A","B","C"', "1,NA,NA", "0.5,1,NA", "0.2,0.3,1"], "not symmetric"),
        (['"A","B"', "1,0.5", "much,1"], r"line 3: A: 'much' is no number"),
    ],
)
def test_matrices_of_another_layout(folder, rows, message):
    (folder / "probe" / MATRIX.format("MF", 500)).write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError, match=message):
        PROBE(folder, "MF")


@pytest.mark.parametrize("lower", [lambda m: 0 * m, lambda m: np.nan * m, lambda m: m + 1e-6])
def test_the_upper_half_of_a_matrix_counts_as_in_probe(folder, lower):
    """PROBE's code looks up pairs (i, j) with j > i only."""
    whole = PROBE(folder, "MF")
    values = whole.similarity.numpy()
    halves = np.triu(values) + np.tril(lower(values), -1)
    write_matrix(folder / "probe" / MATRIX.format("MF", 500), whole.accessions, halves)
    assert torch.equal(PROBE(folder, "MF").similarity, whole.similarity)


def test_pairs_without_a_value_do_not_count(folder):
    accessions = PROBE(folder, "MF").accessions[:3]
    similarity = np.array([[1, np.nan, 0.3], [np.nan, 1, 0.2], [0.3, 0.2, 1]])
    write_matrix(folder / "probe" / MATRIX.format("MF", 500), accessions, similarity)
    assert PROBE(folder, "MF").manifest["pairs"] == 2
    write_matrix(folder / "probe" / MATRIX.format("MF", 500), accessions, np.full((3, 3), np.nan))
    with pytest.raises(InputError, match="MF: no pair of proteins has a similarity"):
        PROBE(folder, "MF")


@pytest.mark.parametrize(
    "pairs",
    [
        np.array([[0, 500]]),
        np.zeros((3, 3), int),
        np.array([[0.5, 1]]),
        np.array([0, 1]),
        np.zeros((0, 2), int),
    ],
)
def test_coordinates_of_another_layout(folder, pairs):
    np.save(folder / "probe" / "SparsifiedSimilarityCoordinates_MF_for_highest_500.npy", pairs)
    with pytest.raises(InputError, match=r"expected integers \(m, 2\), places in the matrix of 29"):
        PROBE(folder, "MF", proteins="sparse")


@pytest.mark.parametrize("kind", ["zip", "header"])
def test_coordinates_that_are_no_array(folder, kind):
    path = folder / "probe" / "SparsifiedSimilarityCoordinates_MF_for_highest_500.npy"
    if kind == "zip":
        with path.open("wb") as file:
            np.savez(file, np.array([[0, 1]]))
    else:
        np.save(path, np.array([[0, 1]]))
        path.write_bytes(path.read_bytes().replace(b"}", b" ", 1))
    with pytest.raises(InputError, match=r"highest_500.npy cannot be read .* Replace it"):
        PROBE(folder, "MF", proteins="sparse")


def test_coordinates_that_would_run_code(folder):
    path = folder / "probe" / "SparsifiedSimilarityCoordinates_MF_for_highest_500.npy"
    np.save(path, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        PROBE(folder, "MF", proteins="sparse")


def test_unknown_words(written, own):
    with pytest.raises(InputError, match="aspect: 'XX' given; expected one of MF, BP, CC"):
        PROBE(written, "XX")
    with pytest.raises(InputError, match="proteins: '300' given; expected one of 500, 200, sparse"):
        PROBE(written, "MF", proteins=300)
    with pytest.raises(InputError, match="annotation, ontology: one given without the other"):
        PROBE(written, "MF", annotation=own["annotation"])


@pytest.mark.parametrize("num_protein", [0, -1])
def test_no_protein_at_all(written, own, num_protein):
    with pytest.raises(InputError, match=f"num_protein: {num_protein} given; expected a number ab"):
        PROBE(written, "MF", **own, num_protein=num_protein)
