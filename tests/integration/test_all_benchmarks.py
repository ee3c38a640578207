"""All benchmarks from files in the real layout to one table, with tiny encoders and one epoch."""

import gzip
import json
import math
import shutil
from pathlib import Path

import downstream_files
import gene_ontology_files
import graph_files
import pytest
from helpers import tiny_model

from protclip_td import cli
from protclip_td.benchmark import BENCHMARKS
from protclip_td.benchmark.data_files import missing_files

MAIN = [benchmark for benchmark in BENCHMARKS if not benchmark.is_extra]
FLAGS = [
    *("--num_epoch=1", "--batch_size=16", "--lr=1e-3", "--fix_encoder=true"),
    *("--hidden_dim=16", "--bridge_dim=24", "--num_layer=1"),
]


def write_interactions(folder, proteins):
    """The three networks: one network's pairs under the names and in the layouts of all."""
    actions, table = (
        graph_files.write_string_actions(folder, proteins) / name
        for name in ("protein.actions.SHS27k.STRING.txt", "protein.SHS27k.sequences.dictionary.tsv")
    )
    for file in (actions, table):
        shutil.copy(file, file.with_name(file.name.replace("SHS27k", "SHS148k")))
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    fasta = "".join(f">{name}\n{sequence}\n" for name, sequence in rows)
    names = {"9606.protein.actions.v11.0.txt.gz": actions.read_text(),
             "9606.protein.sequences.v11.0.fa.gz": fasta}  # fmt: skip
    for name, text in names.items():
        (actions.parent / name).write_bytes(gzip.compress(text.encode()))


@pytest.fixture(scope="module")
def patches():
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


@pytest.fixture(scope="module")
def data(tmp_path_factory, patches, sample_path):
    """The data folder of all benchmarks."""
    folder = tmp_path_factory.mktemp("data")
    # Some share their files.
    for name in set(downstream_files.NAMES) - {
        "go_mf",
        "go_cc",
        "text_to_protein",
        "zero_shot_sub",
    }:
        downstream_files.make(name, folder, patches)
    proteins = downstream_files.sequences(40, shortest=30)
    graph_files.write_prime_kg(folder, proteins)
    graph_files.allow_small_graph(patches)
    write_interactions(folder, proteins)
    gene_ontology_files.write_probe(folder, sample_path)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_protein_folder, tiny_text_folder):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model(tiny_protein_folder, tiny_text_folder).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def results(data, checkpoint, patches, tmp_path_factory):
    """Results of all benchmarks, and the folder that they are in."""
    folder = tmp_path_factory.mktemp("results")
    # Two costs of each run that have nothing to do with what is tested here.
    patches.setattr("protclip_td.training.recorder.draw_curves", lambda *_: None)
    patches.setattr("protclip_td.benchmark.runner.gc.collect", lambda: 0)
    words = ["benchmark", "all", "extras", "--checkpoint", checkpoint, "-o", str(folder)]
    status = cli.main([*words, "--path", str(data), *FLAGS])
    found = json.loads((folder / "results.json").read_text())
    return {**found, "status": status, "folder": folder}


def test_there_are_22():
    assert len(MAIN) == 22
    assert len({benchmark.name for benchmark in BENCHMARKS}) == len(BENCHMARKS) == 28


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_its_files_are_those_that_the_list_asks_for(benchmark, data):
    assert missing_files(benchmark, data) == []
    assert missing_files(benchmark, data / "nowhere") == list(benchmark.data)


def test_nothing_fails(results):
    assert results["failed"] == []
    assert results["status"] == 0


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_each_metric_has_a_value(benchmark, results):
    rows = [row for row in results["rows"] if row["benchmark"] == benchmark.name]
    assert len(rows) == len(benchmark.cases) * len(benchmark.metrics)
    for row in rows:
        assert math.isfinite(row["model"]["mean"])
        assert row["selected by"].split()[0] in ("valid", "no")


def test_table_and_picture(results):
    folder = results["folder"]
    table = (folder / "results.md").read_text()
    assert all(f"| {case.name} |" in table for b in BENCHMARKS for case in b.cases)
    assert (folder / "results.png").stat().st_size > 10_000


def test_features_are_kept_once_for_all_benchmarks(results):
    kept = list(Path(results["folder"]).glob("kept_features/*"))
    assert len(kept) == 2  # of the proteins, and of the names in the knowledge graph
