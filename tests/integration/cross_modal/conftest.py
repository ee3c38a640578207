"""A small graph in PrimeKG's layout, and a small model."""

import shutil

import graph_files
import pytest
from helpers import tiny_model


@pytest.fixture(autouse=True)
def small_graph(monkeypatch):
    """The small graph has another checksum, and its tails are seen less often."""
    graph_files.allow_small_graph(monkeypatch)
    monkeypatch.setattr("protclip_td.datasets.prime_kg._PUBLISHED_COUNT", 2)


@pytest.fixture(scope="module")
def data(sample_entries, tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    graph_files.write_prime_kg(path, graph_files.two_kinds(sample_entries))
    return str(path)


@pytest.fixture
def model(tiny_protein_folder, tiny_text_folder):
    return tiny_model(tiny_protein_folder, tiny_text_folder).requires_grad_(False)


@pytest.fixture
def folders(tiny_protein_folder, tiny_text_folder, tmp_path):
    """A ProtCLIP folder, and the same as it is published: without a tokenizer."""
    whole, published = tmp_path / "whole", tmp_path / "published"
    tiny_model(tiny_protein_folder, tiny_text_folder).save_pretrained(whole)
    published.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(whole / name, published)
    return str(whole), str(published)
