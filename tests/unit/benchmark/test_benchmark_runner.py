"""What the runner does around its runs, which are played here by a few lines."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from protclip_td.benchmark import choose, runner
from protclip_td.benchmark.runner import run_benchmarks
from protclip_td.benchmark.settings import Settings
from protclip_td.errors import InputError
from protclip_td.training.lock import FolderLock

ENCODER = "random:ESM-2-8M"


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    monkeypatch.setattr(runner.gc, "collect", lambda: 0)  # half a second each
    monkeypatch.setattr(runner, "draw_results", lambda results, path: path.write_text("drawn"))


@pytest.fixture
def played(monkeypatch):
    """Runs that end at once: with a metric, on data of some size, or not at all."""
    played = SimpleNamespace(
        begun=[], metrics={"spearmanr": 0.5, "accuracy": 0.5}, num_train=100, stops_at=None
    )

    def run(config, resume=None, **_):
        played.begun.append(config)
        folder = Path(config.output_dir, "2026-01-01_00-00-00")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(config.rendered)
        manifest = {"splits": {"train": played.num_train, "valid": 1}, "url": config.dataset.path}
        (folder / "data_manifest.json").write_text(json.dumps(manifest))
        if len(played.begun) == played.stops_at:
            raise KeyboardInterrupt
        (folder / "results.json").write_text(json.dumps({"epoch": 1, **played.metrics}))

    monkeypatch.setattr(runner, "run", run)
    return played


def go(folder, *names, seeds=(0,), **flags):
    return run_benchmarks(choose(names), Settings({"model": ENCODER}, flags), seeds, folder)


def rows(folder):
    text = (folder / "results.json").read_text()
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    return {row["case"]: row["model"] for row in found["rows"] if row["model"]}


def test_an_undefined_metric_stops_nothing(played, tmp_path):
    played.metrics = {"spearmanr": math.nan}
    assert go(tmp_path, "stability", "beta_lactamase", seeds=(0, 1)) == 0
    assert len(played.begun) == 4
    assert rows(tmp_path)["stability"]["undefined"] == 2
    assert "undefined (2)" in (tmp_path / "results.md").read_text()
    assert (tmp_path / "results.png").exists()


def test_a_table_that_cannot_be_written_stops_nothing(played, tmp_path, monkeypatch):
    write = runner.write_table
    calls = []

    def broken_once(results):
        calls.append(results)
        return write(results) if len(calls) > 1 else 1 / 0

    monkeypatch.setattr(runner, "write_table", broken_once)
    assert go(tmp_path, "bin", "stability") == 1
    assert len(played.begun) == 2
    assert go(tmp_path, "bin", "stability") == 0


def test_runs_on_other_data_stay_out_of_the_mean(played, tmp_path, capsys):
    assert go(tmp_path, "stability") == 0
    played.num_train = 50
    assert go(tmp_path, "stability", "beta_lactamase", seeds=(0, 1), path="elsewhere") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "stability (seed 1): its data are not those of stability (seed 0): splits:" in out
    assert len(rows(tmp_path)["stability"]["runs"]) == 1
    assert len(rows(tmp_path)["beta_lactamase"]["runs"]) == 2
    played.num_train = 100
    played.metrics = {"spearmanr": 0.7}
    assert go(tmp_path, "stability", seeds=(2,), path="third") == 1  # the odd one is still there
    assert rows(tmp_path)["stability"]["mean"] == pytest.approx(0.6)


def test_places_may_change_before_a_run_goes_on(played, tmp_path):
    played.stops_at = 1
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, "stability", path="before", num_epoch="3")
    assert go(tmp_path, "stability", path="after", gpus="[0]", num_epoch="3") == 0
    first, second = played.begun
    assert (first.dataset.path, first.engine.gpus) == ("before", None)
    assert (second.dataset.path, second.engine.gpus) == ("after", [0])
    assert second.train.num_epoch == 3
    assert len(list(tmp_path.glob("runs/stability/model-seed0/*/results.json"))) == 1


def test_folders_of_other_names_are_left_alone(played, tmp_path):
    assert go(tmp_path, "bin") == 0
    copy = tmp_path / "runs" / "bin" / "model-seed0-old"
    copy.mkdir()
    assert go(tmp_path, "bin") == 0
    assert len(rows(tmp_path)["bin"]["runs"]) == 1
    assert copy.is_dir()


def test_one_command_at_a_time(played, tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(InputError, match=rf"The folder {tmp_path} is in use by process \d+"):
        go(tmp_path, "bin")
    lock.release()
    assert go(tmp_path, "bin") == 0
    assert go(tmp_path, "bin") == 0


def test_without_a_test_set_there_is_no_result(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "run", lambda *_, **__: None)
    assert go(tmp_path, "bin") == 1
    assert "has no result, since its data have no test set" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_file_is_written_whole_or_not_at_all(played, tmp_path, monkeypatch):
    assert go(tmp_path, "bin") == 0
    kept = {name: (tmp_path / name).read_text() for name in ("benchmark.json", "results.json")}

    def power_cut(*_):
        raise SystemExit

    monkeypatch.setattr("protclip_td.training.disk.os.replace", power_cut)
    with pytest.raises(SystemExit):
        go(tmp_path, "bin", seeds=(1,))
    assert {name: (tmp_path / name).read_text() for name in kept} == kept


def test_only_what_draws_is_run_again(played, tmp_path):
    assert go(tmp_path, "similarity_mf", "bin", seeds=(1, 2)) == 0
    assert len(played.begun) == 4  # random weights are drawn
    (tmp_path / "config.json").write_text(json.dumps({"protein_model_config": {}}))
    settings = Settings({"model": str(tmp_path)}, {})
    played.begun.clear()
    run_benchmarks(choose(["similarity_mf", "bin"]), settings, (1, 2), tmp_path / "fixed")
    assert [config.seed for config in played.begun] == [1, 2, 0]
