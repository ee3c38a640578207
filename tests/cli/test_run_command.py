"""`protclip-td run` and `python -m torchdrug.run`: what they print, and with which status."""

import gc
import runpy
import subprocess
import sys
import weakref
from pathlib import Path
from types import ModuleType

import pytest
import torch

from protclip_td import _script, cli
from protclip_td.errors import InputError, TrainingError
from protclip_td.training.signals import Interrupted
from protclip_td.version import __version__

TORCHDRUG_RUN = [sys.executable, "-m", "torchdrug.run"]


@pytest.fixture
def started(monkeypatch):
    """What would be run, instead of running it."""
    calls = []
    monkeypatch.setattr(
        "protclip_td.run.run", lambda config, resume=None: calls.append((config, resume))
    )
    return calls


def test_flags_reach_the_configuration(started):
    words = ["run", "-c", "pretrain", "--batch_size", "16", "--lr=1e-3", "--local-rank=0"]
    assert cli.main(words) == 0
    ((config, resume),) = started
    assert (config.engine.batch_size, config.optimizer.lr, resume) == (16, 1e-3, None)


def test_negative_numbers_and_values_that_look_like_flags(started, capsys):
    assert cli.main(["run", "-c", "pretrain", "--seed", "-1"]) == 0
    assert started[0][0].seed == -1


def test_resume_takes_the_configuration_from_the_run_folder(started, tmp_path):
    assert cli.main(["run", "-c", "pretrain", "--num_epoch", "7"]) == 0
    (tmp_path / "config.yaml").write_text(started[0][0].rendered)
    assert cli.main(["run", "--resume", str(tmp_path)]) == 0
    config, resume = started[1]
    assert (config.train.num_epoch, resume) == (7, tmp_path)


def test_processes_part_at_the_end(started, monkeypatch):
    parted = []
    monkeypatch.setattr(
        "protclip_td.compat.processes.part_ways",
        lambda failed: parted.append((len(started), failed)),
    )
    assert cli.main(["run", "-c", "pretrain"]) == 0
    assert parted == [(1, False)]


@pytest.mark.parametrize(
    ("ending", "status"),
    [((Interrupted, 2, 7), 130), ((InputError, "no"), 2), ((TrainingError, "NaN"), 1)],
)
def test_processes_part_however_the_run_ends(monkeypatch, ending, status):
    """What the run held is freed by then; a wrapped model keeps threads that abort the process."""

    def stop(config, resume=None):
        model = torch.nn.Linear(2, 2)
        held.append(weakref.ref(model))
        error, *words = ending
        raise error(*words)

    def part(failed):
        gc.collect()
        left.append(held[0]())
        assert failed == (status < 128)

    held, left = [], []
    monkeypatch.setattr("protclip_td.run.run", stop)
    monkeypatch.setattr("protclip_td.compat.processes.part_ways", part)
    assert cli.main(["run", "-c", "pretrain"]) == status
    assert left == [None]


def test_resume_finds_home(started, tmp_path, monkeypatch):
    assert cli.main(["run", "-c", "pretrain"]) == 0
    (tmp_path / "config.yaml").write_text(started[0][0].rendered)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    assert cli.main(["run", f"--resume=~/{tmp_path.name}"]) == 0


def test_mistakes_are_printed_as_one_block(started, capsys):
    words = ["run", "-c", "pretrain", "--batch_sise", "16", "--lr", "fast"]
    assert cli.main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: pretrain has 2 mistakes"
    assert lines[1].endswith("optimizer.lr: expected a number, got 'fast' (string)")
    assert lines[2] == "  --batch_sise: unknown flag; did you mean --batch_size?"
    assert not started


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("no such data"), 2, "error: no such data\n"),
        (TrainingError("loss is NaN"), 1, "error: loss is NaN\n"),
    ],
)
def test_exit_status(monkeypatch, capsys, error, status, message):
    def stop(config, resume=None):
        raise error

    monkeypatch.setattr("protclip_td.run.run", stop)
    assert cli.main(["run", "-c", "pretrain"]) == status
    assert capsys.readouterr().err == message


class _Interrupting(ModuleType):
    """A module on whose loading Ctrl-C comes."""

    def __getattr__(self, name):
        raise AttributeError if name.startswith("__") else KeyboardInterrupt


def _torchdrug_run():
    runpy.run_path(
        str(Path(_script.__file__).parents[1] / "_torchdrug" / "run.py"), None, "__main__"
    )


@pytest.mark.parametrize("program", [_script.main, _torchdrug_run])
@pytest.mark.parametrize("when", ["loading", "running"])
def test_ctrl_c_leaves_no_traceback(program, when, started, monkeypatch, capsys):
    monkeypatch.setenv("PROTCLIP_TD_REGISTER", "1")  # as the programs do, but for this test alone
    monkeypatch.setitem(sys.modules, "protclip_td_command", _script)
    monkeypatch.setattr(sys, "argv", ["protclip-td", "-c", "pretrain"])
    if program is _script.main:
        monkeypatch.setattr(sys, "argv", ["protclip-td", "run", "-c", "pretrain"])
    interrupting = _Interrupting("protclip_td.cli" if when == "loading" else "protclip_td.run")
    monkeypatch.setitem(sys.modules, interrupting.__name__, interrupting)
    with pytest.raises((SystemExit, KeyboardInterrupt)) as stop:  # the second would end pytest
        program()
    assert stop.type is SystemExit
    assert stop.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_help_lists_the_shipped_configurations(capsys):
    assert cli.main(["run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "usage: protclip-td run -c CONFIG [--VARIABLE VALUE ...]" in shown
    assert "  pretrain_650m " in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_help_of_a_configuration_lists_its_variables(capsys):
    assert cli.main(["run", "-c", "pretrain", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "STARTS FROM RANDOM WEIGHTS" in shown
    assert "  --batch_size " in shown
    assert "(default: random:ESM-2-8M)" in " ".join(shown.split())


def test_help_into_a_pipe_that_is_closed(tmp_path):
    command = (
        f"'{sys.executable}' -m torchdrug.run -c pretrain --help | head -n 0; exit $PIPESTATUS"
    )
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "No CUDA runtime is found" not in line]
    assert (done.returncode, said) == (141, [])  # PyTorch says that where there is nvcc and no GPU


def test_without_configuration(capsys):
    assert cli.main(["run"]) == 2
    assert "error: no configuration given\nusage:" in capsys.readouterr().err


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["rum"])
    assert stop.value.code == 2
    assert "invalid choice: 'rum'" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert (stop.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "--version" in capsys.readouterr().out


def test_torchdrug_run_finds_mistakes_before_it_imports_transformers(tmp_path):
    """From another folder, in a process of its own; -X importtime names all that is imported."""
    command = [sys.executable, "-X", "importtime", *TORCHDRUG_RUN[1:]]
    done = subprocess.run(
        [*command, "-c", "pretrain", "--batch_size", "1"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "engine.batch_size: 1 given; ProteinTextPretraining needs at least 2 in a batch" in said
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "protclip_td.models.protclip" in imported
    assert "transformers" not in imported
    assert not list(tmp_path.iterdir())
