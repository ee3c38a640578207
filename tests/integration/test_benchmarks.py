"""The benchmarks run, with tiny encoders; their figures are nobody's business here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from torchdrug import models

from protclip_td.benchmark import catalogue
from protclip_td.benchmark.data_files import missing_files

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(script, *args):
    command = [sys.executable, str(BENCHMARKS / script), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def pairs_file(tmp_path_factory, pairs):
    """A file of 16 pairs."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = ({"accession": e.accession, "seq": e.sequence, "text": e.biotext} for e in pairs)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def encoders(tiny_protein_folder, tiny_text_folder):
    return ["--protein_encoder", tiny_protein_folder, "--text_encoder", tiny_text_folder]


def test_step_benchmark_reports_every_figure_and_target(tmp_path, encoders):
    file = tmp_path / "steps.json"
    done = run("pretrain_step.py", "2,checkpointing", *encoders, "--steps", 1, "--json", file)
    assert done.returncode == 0, done.stderr
    assert "import of protclip_td" in done.stdout
    result = json.loads(file.read_text())["2,checkpointing"]
    assert [epoch["pairs"] for epoch in result["epochs"]] == [2, 2]
    assert result["epochs"][0]["flops"] > 0
    assert 0 <= result["padding"] < 1


def test_step_benchmark_names_a_wrong_configuration():
    done = run("pretrain_step.py", "8,fp64")
    assert done.returncode != 0
    assert "'8,fp64': expected such as 8 or 32,checkpointing,bf16" in done.stderr


def test_learning_benchmark_runs_and_keeps_its_results(tmp_path, encoders, pairs_file):
    only = ["--only", "composition", "untrained", "full", "--results", tmp_path]
    small = ["--data", pairs_file, "--held_out", 5, "--pairs", 4, "--batch_size", 2]
    done = run("learning.py", *only, *small, *encoders)
    assert done.returncode == 0, done.stderr
    names = {path.stem for path in tmp_path.glob("*.json")}
    assert names == {"composition", "untrained", "full"}
    table = run("learning.py", "--table", "--results", tmp_path).stdout
    assert "| chance | 0.200 | 1.000 |" in table
    assert table in done.stdout


def test_learning_benchmark_names_missing_data(tmp_path):
    words = ["--data", tmp_path / "none.jsonl", "--protein_encoder", "none"]
    done = run("learning.py", *words, "--results", tmp_path)
    assert done.returncode != 0
    assert "none.jsonl: no such file. The learning benchmark wants pairs" in done.stderr
    assert "--data and --protein_encoder are needed" in run("learning.py").stderr


def test_downstream_benchmark_reports_both_comparisons(tmp_path, monkeypatch, capsys):
    """In this process, where starting a fresh one for each figure would take most of the time."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import downstream
    import downstream_measure

    monkeypatch.setattr(
        downstream, "measure", lambda **given: getattr(downstream_measure, given["what"])(given)
    )
    monkeypatch.setattr(models.ESM, "md5", models.ESM.md5)  # put back afterwards
    file = tmp_path / "downstream.json"
    small = ["--batch_size=2", "--batches=1", "--rounds=1", "--epochs=2", "--longest=150"]
    monkeypatch.setattr(sys, "argv", ["downstream.py", *small, f"--json={file}"])
    downstream.main()
    assert "ratio" in capsys.readouterr().out
    result = json.loads(file.read_text())
    assert set(result["tuned"]["ratios"]) == {"residues_per_s", "peak_mb", "step_mb"}
    through, kept = result["fixed"]["through"], result["fixed"]["kept"]
    assert through["proteins"] > 2
    assert kept["mae"] == pytest.approx(through["mae"], rel=1e-4)


def test_benchmark_of_graphs_opens_both():
    done = run("graph_data.py", "--share", 0.002)
    assert done.returncode == 0, done.stderr
    header, prime_kg, string = done.stdout.splitlines()
    assert "peak GB" in header
    assert prime_kg.split()[0] == "PrimeKG"
    assert string.split()[0] == "STRING"
    assert all(int(line.split()[1].replace(",", "")) > 5000 for line in (prime_kg, string))


def test_full_size_benchmark_has_files_for_all(tmp_path):
    data = tmp_path / "data"
    small = ["--share", 0.001, "--epochs", 1, "--data", data]
    done = run("full_size.py", "ec", *small)
    assert done.returncode == 0, done.stdout + done.stderr
    header, row = done.stdout.splitlines()[-2:]
    assert "peak GB" in header
    assert row.split()[0] == "ec"
    assert not [name for b in catalogue.BENCHMARKS for name in missing_files(b, data)]
