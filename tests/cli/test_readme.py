"""The README's commands run as written; tiny weights and few draws take the place of time."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from protclip_td import cli
from protclip_td.config import load_config

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands(program):
    """All command lines of the README that begin so, comments off."""
    lines = "".join(blocks("bash")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(program)]


@pytest.fixture
def small(tiny_protein_folder, tiny_text_folder, tmp_path, monkeypatch):
    """A folder to type commands in, and flags that make a run of seconds of them."""
    monkeypatch.chdir(tmp_path)
    sizes = {"num_epoch": 1, "draws_per_epoch": 2, "batch_size": 2, "data_dir": tmp_path / "data"}
    weights = {"protein_encoder": tiny_protein_folder, "text_encoder": tiny_text_folder}
    return {**sizes, **weights}


def with_flags(words, flags):
    """The words of a command, its own value of a flag giving way to ours."""
    kept = list(words)
    for name in flags:
        if f"--{name}" in kept:
            at = kept.index(f"--{name}")
            del kept[at : at + 2]
    return [*kept, *(str(word) for name, value in flags.items() for word in (f"--{name}", value))]


def test_the_commands_are_targets_of_make():
    targets = [words[1] for words in commands("make")]
    assert targets == ["setup", "pretrain", "test"]
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "-m torchdrug.run -c yaml_configs/pretrain.yaml" in done.stdout
    assert "-m pytest" in done.stdout


def test_run_commands(small, capsys):
    """--help, a run with other values, and resuming it."""
    show, train, resume = commands("python -m torchdrug.run")[:3]
    assert cli.main(["run", *show[3:]]) == 0
    assert "--batch_size" in capsys.readouterr().out
    assert cli.main(["run", *with_flags(train[3:], small)]) == 0
    (folder,) = Path("runs/pretrain").iterdir()
    assert resume[3:] == ["--resume", "runs/pretrain/2026-01-31_12-00-00"]
    assert cli.main(["run", "--resume", str(folder)]) == 0


def test_the_large_configuration_takes_the_readmes_flags(small):
    runs = commands("python -m torchdrug.run")
    (words,) = (words for words in runs if words[4] == "pretrain_650m.yaml")
    config = load_config(words[4], words[5:])
    assert config.dataset.source == "uniprot_sprot.dat.gz"
    assert config.engine.gpus == [0]


def test_benchmark_commands(capsys):
    runs = commands("python -m torchdrug.run")
    (single,) = (words for words in runs if words[4] == "go_mf")
    checkpoint = ROOT / "tests" / "data" / "released_tiny"
    flags = [word.replace("path/to/ProtCLIP", str(checkpoint)) for word in single[5:]]
    assert load_config(single[4], flags).checkpoint == str(checkpoint)
    everything, listing = commands("protclip-td benchmark")
    assert cli.main(listing[1:]) == 0
    assert "go_mf" in capsys.readouterr().out
    assert cli.main(everything[1:]) == 2
    assert "path/to/ProtCLIP" in capsys.readouterr().err


def test_a_store_is_built(tmp_path, monkeypatch, sample_path, capsys):
    monkeypatch.chdir(tmp_path)
    (build,) = commands("protclip-td protanno")
    for name in ("uniprot_sprot.dat.gz", "uniprot_trembl.dat.gz"):
        shutil.copy(sample_path, name)
    assert cli.main(build[1:]) == 0
    assert Path("protanno-d/manifest.json").is_file()


def test_the_mistakes_shown_are_those_reported(tmp_path, monkeypatch, capsys):
    """The README's listing of mistakes is what the command beside it prints."""
    shown = next(block for block in blocks("text") if "mistakes" in block)
    command, *report = shown.splitlines()
    text = (ROOT / "yaml_configs" / "pretrain.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(text.replace("    pda: 1.0", "    pdb: 1.0"))
    assert cli.main(["run", *shlex.split(command)[4:]]) == 2
    assert capsys.readouterr().err.splitlines() == report


def test_python_example_runs(tmp_path, monkeypatch):
    """As written: 8M random weights, the real MiniLM, and the shapes said in the comments."""
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names = {}
    exec(code, names)
    shapes = [tuple(f.shape) for f in names["model"].residue_features(names["proteins"])]
    assert shapes == [(22, 320), (28, 320)]
    assert names["model"].encode_protein(names["proteins"]).shape == (2, 512)


def test_no_placeholder_is_left():
    assert "@@" not in README
