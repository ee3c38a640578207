"""The examples in all docstrings say what really comes out."""

import doctest
import importlib
import pkgutil
import shutil
import signal
from pathlib import Path

import graph_files
import numpy as np
import pytest
import torch
from gene_ontology_files import ONTOLOGY, write_probe
from helpers import batch_of, tiny_model

import protclip_td
from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.ontology import read_ontology
from protclip_td.data.reading.table import Table
from protclip_td.data.store.reading import Store
from protclip_td.datasets import ProtAnno
from protclip_td.models import ProtCLIP
from protclip_td.tasks import ProteinTextPretraining

RELEASED = Path(__file__).parents[1] / "data" / "released_tiny"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples():
    """The examples of each docstring that has some."""
    names = [m.name for m in pkgutil.walk_packages(protclip_td.__path__, "protclip_td.")]
    for name in ["protclip_td", *names]:
        found = doctest.DocTestFinder().find(importlib.import_module(name))
        yield from (case for case in found if case.examples)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sample_path, sample_entries):
    """Where the files lie that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(sample_path, folder / "uniprot_sample.dat.gz")
    shutil.copytree(RELEASED, folder / "checkpoint")
    shutil.copytree(ProtAnno(str(folder / "stores")).store.folder, folder / "protanno")
    values = [0.17, -0.2, *np.linspace(0, 1, 18)]
    rows = [f"{'MK' * (i + 1)},{value:.2f}" for i, value in enumerate(values)]
    (folder / "stability.csv").write_text("\n".join(["sequence,stability", *rows]) + "\n")
    probe = write_probe(folder / "protein-datasets", sample_path)
    shutil.copy(probe / "sample.gaf", folder / "goa_human.gaf")
    proteins = graph_files.two_kinds(sample_entries)
    graph_files.write_prime_kg(folder / "protein-datasets", proteins)
    graph_files.write_string_actions(folder / "protein-datasets", proteins)
    return folder


@pytest.fixture(scope="module")
def names(folder, pairs, tiny_protein_folder, tiny_text_folder):
    """What the examples speak of without having made it."""
    from transformers import EsmConfig, EsmModel

    model = tiny_model(tiny_protein_folder, tiny_text_folder)
    ontology = read_ontology(ONTOLOGY)
    columns = {
        "stability": ["0.17", "", "-0.2"],
        "location": ["Nucleus", "Cytoplasm", "Nucleus"],
        "keyword": ["Nucleus;Cytoplasm", "", "Nucleus"],
    }
    return {
        "torch": torch,
        "np": np,
        "model": model,
        "task": ProteinTextPretraining(model),
        "batch": batch_of(pairs[:4]),
        "dataset": ProtAnno(str(folder / "protanno")),
        "store": Store(folder / "protanno"),
        "table": Table(folder / "table.csv", columns, [2, 3, 4], ""),
        "ontology": ontology,
        "annotations": read_annotations(folder / "goa_human.gaf", ontology, "MF"),
        "EsmModel": EsmModel,
        "ProtCLIP": ProtCLIP,
        "config": EsmConfig.from_pretrained(tiny_protein_folder),
        "step": lambda: signal.raise_signal(signal.SIGINT),
    }


def one_row():
    """A table of one protein with one letter per residue."""
    return Table(Path("table.csv"), {"structure": ["?HE"]}, [2], "")


@pytest.mark.parametrize("case", list(examples()), ids=lambda case: case.name)
def test_example(case, names, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    graph_files.allow_small_graph(monkeypatch)
    case.globs = {**names, **case.globs}
    if case.name.endswith("residue_classes"):
        case.globs["table"] = one_row()
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(case, out=said.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)
