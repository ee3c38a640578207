"""What the runner does around its runs, which are played here by a few lines."""

import json
import math
import shutil
import signal
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

from protclip_td.benchmark import choose, runner
from protclip_td.benchmark.runner import run_benchmarks
from protclip_td.benchmark.settings import Settings
from protclip_td.config import load_config
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("signum", "ending"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_stops_it_with_a_table_also_where_python_drops_the_exception(
    signum, ending, played, tmp_path, monkeypatch, capsys
):
    followed = []  # a reference whose callback runs while garbage is collected

    def collect():
        thing = type("Thing", (), {})()
        followed.append(weakref.ref(thing, lambda _: signal.raise_signal(signum)))

    monkeypatch.setattr(runner.gc, "collect", collect)
    with pytest.raises(ending):
        go(tmp_path, "bin", "stability")
    assert len(played.begun) == 1
    assert "Interrupted. The same command goes on" in capsys.readouterr().out
    assert list(rows(tmp_path)) == ["bin"]
    assert (tmp_path / "results.png").exists()


@pytest.mark.parametrize("undefined", [math.nan, None])  # None is how a run writes it
def test_an_undefined_metric_stops_nothing(undefined, played, tmp_path):
    played.metrics = {"spearmanr": undefined}
    assert go(tmp_path, "stability", "beta_lactamase", seeds=(0, 1)) == 0
    assert len(played.begun) == 4
    assert rows(tmp_path)["stability"]["undefined"] == 2
    assert "undefined (2)" in (tmp_path / "results.md").read_text()
    assert (tmp_path / "results.png").exists()


def broken(*_):
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize("name", ["write_table", "draw_results"])
def test_a_table_or_picture_that_cannot_be_made_stops_nothing(
    name, played, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patched:
        patched.setattr(runner, name, broken)
        assert go(tmp_path, "bin", "stability") == 1
    assert len(played.begun) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "1 failed; the same command tries them again: the table of results" in said
    assert f"ZeroDivisionError: by zero (see {tmp_path}/error.txt)" in said
    assert "Traceback" in (tmp_path / "error.txt").read_text()
    assert go(tmp_path, "bin", "stability") == 0
    assert len(played.begun) == 2
    assert "failed" not in capsys.readouterr().out
    assert not (tmp_path / "error.txt").exists()
    assert json.loads((tmp_path / "results.json").read_text())["failed"] == []


def test_a_failing_table_does_not_make_runs_fail(played, tmp_path, monkeypatch, capsys):
    """Nor does a disk that takes not even the traceback."""

    def broken_where_no_file_can_be(*_):
        (tmp_path / "error.txt").mkdir(exist_ok=True)
        broken()

    monkeypatch.setattr(runner, "write_table", broken_where_no_file_can_be)
    played.stops_at = 2
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, "bin", "stability")
    said = " ".join(capsys.readouterr().out.split())
    assert "bin (seed 0):" not in said
    assert said.endswith("ZeroDivisionError: by zero")  # and no file to see
    assert "Interrupted. The same command goes on" in said
    assert "1 failed; the same command tries them again: the table of results" in said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([1], "TypeError"),
        (3, "AttributeError"),
        ({"epoch": 1, "accuracy": "high"}, "'high' is no metric"),
        ({"accuracy": 0.5}, "KeyError('epoch')"),
        ({"epoch": math.nan, "accuracy": 0.5}, "epochs are whole numbers"),
        ({"epoch": True, "accuracy": 0.5}, "epochs are whole numbers"),
        ({"epoch": 1, "accuracy": True}, "True is no metric"),
        ({"epoch": 1, "accuracy": 10**400}, "OverflowError"),
    ],
)
def test_a_result_of_the_wrong_kind_is_named(content, problem, played, tmp_path, capsys):
    assert go(tmp_path, "bin") == 0
    (path,) = tmp_path.glob("runs/bin/*/*/results.json")
    path.write_text(json.dumps(content))
    assert go(tmp_path, "bin", "stability") == 1
    assert rows(tmp_path).keys() == {"stability"}
    said = " ".join(capsys.readouterr().out.split())
    assert f"{path.parent} holds no result that can be read (" in said
    assert problem in said
    assert "; remove it to have it run again" in said


def test_a_run_that_succeeds_has_not_failed(played, tmp_path, monkeypatch):
    """Though its former result could not be read when the table was written before."""
    assert go(tmp_path, "stability") == 0
    (path,) = tmp_path.glob("runs/stability/*/*/results.json")
    path.write_text("damaged")

    def remove():  # as the message says, while other runs go on
        if len(played.begun) == 2:
            shutil.rmtree(path.parent)

    monkeypatch.setattr(runner.gc, "collect", remove)
    assert go(tmp_path, "bin", "stability") == 0
    assert json.loads((tmp_path / "results.json").read_text())["failed"] == []


def test_the_error_of_an_earlier_call_does_not_stay(played, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("by zero")

    with monkeypatch.context() as once:
        once.setattr(runner, "run", broken)
        assert go(tmp_path, "stability") == 1
    (trace,) = tmp_path.glob("runs/stability/*/error.txt")
    assert go(tmp_path, "stability") == 0
    assert not trace.exists()


def test_only_what_was_asked_for_gets_a_folder(played, tmp_path):
    for _ in range(2):
        assert go(tmp_path, "bin") == 0
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["bin"]


@pytest.mark.parametrize(
    "content",
    [None, "", "train: 3", "{bad", "train: {num_epoch: many}", "train: {num_epoch: .inf}"],
)
def test_a_run_with_a_damaged_configuration_is_named(content, played, tmp_path, capsys):
    assert go(tmp_path, "bin", "stability") == 0
    (path,) = tmp_path.glob("runs/bin/*/*/config.yaml")
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert go(tmp_path, "bin", "stability", seeds=[0, 1]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"{path.parent} holds no result that can be read (" in said
    assert "; remove it to have it run again" in said
    assert rows(tmp_path).keys() == {"bin", "stability"}  # bin by its other seed


def test_the_same_weights_may_lie_elsewhere(tiny_protein_folder, played, tmp_path, monkeypatch):
    """Also in the configuration of a run that was begun, which goes on with them."""
    begun_with = tmp_path / "runs" / "lr=1e-3,a" / "model"  # signs that separate settings
    shutil.copytree(tiny_protein_folder, begun_with)
    copy = tmp_path / "moved"
    monkeypatch.chdir(tmp_path)

    def run(encoder):
        settings = Settings({"model": str(encoder)}, {"fix_encoder": "true"})
        return run_benchmarks(choose(["bin", "sub"]), settings, [0], tmp_path / "results")

    played.stops_at = 2
    with pytest.raises(KeyboardInterrupt):
        run("runs/lr=1e-3,a/model")
    begun_with.rename(copy)
    (config,) = (tmp_path / "results").glob("runs/sub/*/*/config.yaml")
    begun = config.with_name(".config.yaml")
    begun.write_text(config.read_text())
    played.stops_at = None
    assert run("moved/") == 0
    assert {config.task.model.protein_encoder for config in played.begun[2:]} == {"moved/"}
    assert "lr=1e-3,a" not in begun.read_text()
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    with pytest.raises(InputError, match=r"holds results of .*moved/ \(.*, and now model is moved"):
        run("moved")


def test_a_run_that_lost_its_manifest_is_in_the_table(played, tmp_path):
    """It cannot say what chose its epoch, nor by which protocol it was tested."""
    played.metrics |= {"f1_max": 0.5, "mrr filtered": 0.2}
    assert go(tmp_path, "prot2mf", "ec") == 0
    for path in tmp_path.glob("runs/*/*/*/data_manifest.json"):
        path.unlink()
    assert go(tmp_path, "prot2mf", "ec", "stability") == 0
    found = json.loads((tmp_path / "results.json").read_text())["rows"]
    lost = [row for row in found if row["model"] and row["case"] != "stability"]
    assert {row["case"] for row in lost} == {"prot2mf", "ec"}
    assert all(row["selected by"] is None for row in lost)
    assert all(row["protocols"] == [{"name": None}] for row in lost)


def test_runs_on_other_data_stay_out_of_the_mean(played, tmp_path, capsys):
    assert go(tmp_path, "stability") == 0
    played.num_train = 50
    assert go(tmp_path, "stability", "beta_lactamase", seeds=(0, 1), path="elsewhere") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "stability (seed 1): its data are not those of stability (seed 0): splits:" in out
    assert "1 left out of the table; the same command leaves them out again:" in out
    assert "tries them again" not in out
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
    (kept,) = tmp_path.glob("runs/stability/model-seed0/*/config.yaml")
    by_hand = load_config(kept)
    assert (by_hand, kept.read_text()) == (second, second.rendered)
    assert "path: after  # data folder" in kept.read_text()
    assert len(list(tmp_path.glob("runs/stability/model-seed0/*/results.json"))) == 1


def test_folders_of_other_names_are_left_alone(played, tmp_path):
    assert go(tmp_path, "bin") == 0
    copy = tmp_path / "runs" / "bin" / "model-seed0-old"
    copy.mkdir()
    assert go(tmp_path, "bin") == 0
    assert len(rows(tmp_path)["bin"]["runs"]) == 1
    assert copy.is_dir()


def test_of_several_finished_runs_the_first_counts(played, tmp_path):
    """So that nothing that is run later by hand changes the table."""
    assert go(tmp_path, "stability") == 0
    (result,) = tmp_path.glob("runs/stability/model-seed0/*/results.json")
    first = result.parent
    later = shutil.copytree(first, first.with_name("2026-01-02_00-00-00"))
    (later / "results.json").write_text('{"epoch": 1, "spearmanr": 0.9}')
    assert go(tmp_path, "stability") == 0
    assert rows(tmp_path)["stability"]["mean"] == 0.5


def test_a_control_is_not_asked_by_text(played, tmp_path):
    """It may have no text side; text_to_protein needs one."""
    played.metrics |= {"mrr first hit": 0.5}
    settings = Settings({"model": ENCODER, "control": ENCODER}, {})
    assert run_benchmarks(choose(["bin", "text_to_protein"]), settings, [0], tmp_path) == 0
    names = [Path(config.output_dir).relative_to(tmp_path / "runs") for config in played.begun]
    assert list(map(str, names)) == [
        "bin/model-seed0", "bin/control-seed0", "text_to_protein/model-seed0",
    ]  # fmt: skip


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
    assert "has no result, since its data have no test set. Give data with one" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_file_is_written_whole_or_not_at_all(played, tmp_path, monkeypatch):
    assert go(tmp_path, "bin") == 0
    kept = {name: (tmp_path / name).read_text() for name in ("benchmark.json", "results.json")}

    def power_cut(*_):
        raise SystemExit

    monkeypatch.setattr("protclip_td.whole_files.os.replace", power_cut)
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
