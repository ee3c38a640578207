"""`protclip-td benchmark`: what is done is skipped, what fails is named, and all is in one table.

Two small tables of random proteins stand for the data, in the place of the real catalogue.
"""

import csv
import json
import random
import re
import sys
from pathlib import Path

import pytest

from protclip_td import cli
from protclip_td.benchmark import catalogue, data_files, jobs, plot, published, results, runner
from protclip_td.benchmark.catalogue import Benchmark, choose
from protclip_td.errors import InputError
from protclip_td.training.signals import Interrupted

REGRESSION = Benchmark("property_regression", "Length", "toy", ("spearmanr",), ("table.csv",))
CLASSES = Benchmark(
    "property_classification", "Long", "toy", ("accuracy", "matthews"), ("table.csv",)
)


@pytest.fixture(autouse=True)
def catalogue_of_two(monkeypatch):
    for module in (catalogue, data_files, jobs, plot, results, runner):
        monkeypatch.setattr(module, "BENCHMARKS", (CLASSES, REGRESSION))
    monkeypatch.setattr("protclip_td.training.recorder.draw_curves", lambda *_: None)
    number = published.PublishedNumber("Other", 0.5, "Others (2020)", "about")
    monkeypatch.setitem(published.PUBLISHED, "property_regression", {"spearmanr": (number,)})


@pytest.fixture
def words(tmp_path, monkeypatch, tiny_protein_folder):
    """A command line without names; all runs in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    draw = random.Random(0)
    with open("table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sequence", "label", "split"])
        for i in range(20):
            length = draw.randint(5, 30)
            sequence = "".join(draw.choices("ACDEFGHIKLMNPQRSTVWY", k=length))
            label = length if i % 5 else 17
            writer.writerow([sequence, label > 16, ("train", "train", "valid", "test")[i % 4]])
    return [
        *("--encoder", tiny_protein_folder, "-o", "results", "--data=table.csv"),
        *("--target=label", "--split=split", "--fix_encoder=true", "--num_epoch=1"),
    ]


@pytest.fixture
def numbers():
    """The same table with numbers in the place of classes."""

    def write():
        with open("table.csv") as file:
            rows = list(csv.reader(file))
        with open("table.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([[r[0], len(r[0]) if i else r[1], r[2]] for i, r in enumerate(rows)])

    return write


def benchmark(*words):
    return cli.main(["benchmark", *words])


def written():
    with open("results/results.json") as file:
        return json.load(file)


def test_one_fails_the_others_go_on_and_what_is_done_is_skipped(words, numbers, capsys):
    assert benchmark("all", *words, "--seeds=0,1") == 1
    out = capsys.readouterr().out
    assert "[1/4] property_classification (seed 0)" in out
    assert "4/4] property_regression (seed 1)" in out
    assert "2 failed; the same command tries them again:" in out
    assert "results.json " in out
    assert "Next:" not in out  # weights are not kept
    assert "checkpoints/" not in out
    both = r"property_regression \(seed 0\), property_regression \(seed 1\): .*table.csv"
    assert re.search(both, " ".join(out.split()))
    assert out.count("table.csv") == 3  # of each where it fails, and of both at the end
    accuracy, mcc, spearman = written()["rows"]
    assert [run["seed"] for run in accuracy["model"]["runs"]] == [0, 1]
    assert accuracy["selected by"] == "valid accuracy"
    assert mcc["model"]["mean"] == pytest.approx(
        sum(run["value"] for run in mcc["model"]["runs"]) / 2
    )
    assert (spearman["model"], spearman["published"][0]["value"]) == (None, 0.5)

    numbers()
    assert benchmark("all", *words, "--seeds=0,1") == 0
    out = capsys.readouterr().out
    assert "[1/4] property_classification (seed 0): done already" in out
    assert written()["failed"] == []
    assert written()["rows"][2]["model"]["sd"] >= 0
    table = Path("results/results.md").read_text()
    assert "| property_regression | spearmanr |" in table
    assert "0.500 Other [1]" in table
    assert "1. Others (2020); about" in table
    assert Path("results/results.png").read_bytes().startswith(b"\x89PNG")


OWN_ENCODER = """
import torch
from torchdrug import core
from torchdrug.core import Registry as R


@R.register("models.OwnMeans")
class OwnMeans(torch.nn.Module, core.Configurable):
    output_dim = 21

    def forward(self, graph, input, all_loss=None, metric=None):
        means = [part.mean(0) for part in input.split(graph.num_residues.tolist())]
        return {"graph_feature": torch.stack(means)}
"""


def test_an_encoder_of_ones_own(words, monkeypatch):
    monkeypatch.setattr("sys.path", [*sys.path])
    Path("own_bench.py").write_text(OWN_ENCODER)
    options = [*words, "--encoder=own_bench.OwnMeans"]
    assert benchmark("property_classification", *options) == 0
    assert written()["setups"]["model"].startswith("own_bench.OwnMeans, ")
    assert written()["rows"][0]["model"]["runs"]


def test_control_beside_it_and_features_kept_once(words, tmp_path):
    assert benchmark("property_classification", *words, "--control=random:ESM-2-8M") == 0
    accuracy = written()["rows"][0]
    assert accuracy["model"]
    assert accuracy["control"]
    setups = written()["setups"]
    assert setups["control"].startswith("random:ESM-2-8M, data=table.csv, fix_encoder=true, num_e")
    assert len(list(tmp_path.glob("results/kept_features/*"))) == 2
    assert not list(tmp_path.glob("results/runs/*/*/*/checkpoints"))
    # What starts from random weights learns at the full rate.
    (config,) = tmp_path.glob("results/runs/*/control-seed0/*/config.yaml")
    assert "lr_ratio: 1 " in config.read_text()


def test_an_interrupted_run_goes_on(words, tmp_path, monkeypatch, capsys):
    run = runner.run
    begun = []

    def interrupted(config, resume=None, **options):
        begun.append(resume)
        if len(begun) > 1:
            return run(config, resume=resume, **options)
        folder = tmp_path / config.output_dir / "2026-01-01_00-00-00"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(config.rendered)
        raise Interrupted(2, 7)

    monkeypatch.setattr(runner, "run", interrupted)
    with pytest.raises(Interrupted):
        benchmark("property_classification", *words)
    assert "Interrupted. The same command goes on" in capsys.readouterr().out
    assert benchmark("property_classification", *words) == 0
    assert [path and path.name for path in begun] == [None, "2026-01-01_00-00-00"]
    assert written()["rows"][0]["model"]["runs"][0]["run"].endswith("2026-01-01_00-00-00")


def test_an_unexpected_error_is_kept_with_its_traceback(words, monkeypatch, capsys):
    def broken(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(runner, "run", broken)
    assert benchmark("property_classification", *words) == 1
    assert "ZeroDivisionError: by zero (see" in " ".join(capsys.readouterr().out.split())
    trace = Path("results/runs/property_classification/model-seed0/error.txt")
    assert "Traceback" in trace.read_text()


def test_a_damaged_result_is_named_and_keeps_nothing_else_from_running(words, capsys):
    assert benchmark("property_classification", *words) == 0
    (path,) = Path("results").glob("runs/property_classification/*/*/results.json")
    path.write_text("{")
    assert benchmark("property_classification", *words) == 1
    said = "".join(capsys.readouterr().out.split())
    assert f"{path.parent}holdsnoresultthatcanberead(JSONDecodeError(" in said
    assert "removeittohaveitrunagain" in said


def test_a_file_in_the_place_of_the_folder(words, capsys):
    Path("results").write_text("")
    assert benchmark("property_classification", *words) == 2
    assert "-o: results cannot be made a folder: File exists" in capsys.readouterr().err


def test_other_settings_in_the_same_folder(words, capsys):
    assert benchmark("property_classification", *words) == 0
    assert benchmark("property_classification", *words, "--batch_size=4") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(
        r"model-seed0 was run with .*num_epoch=1.* now it would be with .*batch_size=4", error
    )
    assert "batch_size" not in Path("results/benchmark.json").read_text()


def test_two_results_folders_mixed(words, tmp_path, capsys):
    assert benchmark("property_classification", *words) == 0
    (tmp_path / "results").rename(tmp_path / "first")
    assert benchmark("property_classification", *words, "--batch_size=4", "--seeds=1") == 0
    name = "runs/property_classification"
    (tmp_path / "first" / name / "model-seed0").rename(tmp_path / "results" / name / "model-seed0")
    assert benchmark("property_classification", *words, "--batch_size=4", "--seeds=1") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search("model-seed0 was run with .*, and now it would be with", error)
    assert "if two results folders were mixed, take them apart" in error


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["property_regresion"], "no benchmark property_regresion; did you mean `property_regress"),
        ([], "which benchmarks? Give their names, or `all`"),
        (["all", "--batchsize=1"], "--batchsize: no configuration has it; did you mean --batch_s"),
        (["all", "--seeds=one"], "--seeds: 'one' given; expected numbers of at most"),
        (["all", "--seeds=12345678901234567890"], "expected numbers of at most nine digits"),
        (["--list", "--pth=data"], "--pth: --list takes --path only"),
        (["all", "--checkpoint=x"], "give either --checkpoint, a ProtCLIP folder, or --encoder"),
        (["all", "--lr"], "--lr: needs a value"),
        (["all", "--lr=1", "bin"], "bin: expected a flag here; names of benchmarks come first"),
    ],
)
def test_wrong_command_lines(words, given, message, capsys):
    names = [word for word in given if not word.startswith("-")][:1]
    assert benchmark(*names, *words, *given[len(names) :]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_no_output_folder_and_no_checkpoint(words, capsys):
    assert benchmark("all", "--encoder=ProteinCNN") == 2
    assert benchmark("all", "--checkpoint=gone", "-o=x") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "-o is needed: the folder of all results" in error
    assert "--checkpoint: there is no folder gone" in error


def test_list_says_where_data_belong(words, tmp_path, capsys):
    assert benchmark("--list", "--path", str(tmp_path)) == 0
    assert "property_regression      there    Length" in capsys.readouterr().out
    assert benchmark("--list", "--path", "elsewhere") == 0
    out = capsys.readouterr().out
    assert "Data folder: elsewhere" in out
    assert "property_classification  missing  Long\n      table.csv" in out
    assert "property_regression      missing  Length\n      the files of property_c" in out


def test_the_list_fits_a_terminal(monkeypatch, tmp_path, capsys):
    assert cli.main(["benchmark", "--list", "--path", str(tmp_path)]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())
    assert cli.main(["benchmark", "--list", "--path", "x" * 99]) == 0
    assert capsys.readouterr().out.startswith(
        f"Data folder:\n  {'x' * 99}\n  (another one: --path)"
    )


def test_help_fits_a_terminal(capsys):
    assert benchmark("--help") == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())


def test_names_come_in_the_order_of_the_catalogue():
    chosen = choose(["property_regression", "property_classification"])
    assert chosen == [CLASSES, REGRESSION]
    with pytest.raises(InputError, match="there is no benchmark bin"):
        choose(["bin"])
