"""PROBE's files for the built-in sample, and a user's own files."""

import shutil

import pytest
from gene_ontology_files import (
    ONTOLOGY,
    annotated_entries,
    write_fasta,
    write_gaf,
    write_probe,
)


@pytest.fixture(scope="module")
def written(sample_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_probe(folder, sample_path)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A copy to break."""
    return shutil.copytree(written, tmp_path / "data")


@pytest.fixture(scope="module")
def own(sample_path, tmp_path_factory):
    """A user's own proteins, in other files than PROBE's."""
    folder = tmp_path_factory.mktemp("own")
    entries = annotated_entries(sample_path)
    files = {
        "sequences": write_fasta(entries, folder / "mine.fasta"),
        "annotation": write_gaf(entries, folder / "mine.gaf"),
        "ontology": ONTOLOGY,
    }
    return {name: str(path) for name, path in files.items()}
