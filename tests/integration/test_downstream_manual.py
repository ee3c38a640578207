"""The commands in the manuals of downstream tasks, and in the configurations' headers, run.

Weights are replaced by tiny ones and one epoch is enough; everything else is as a reader types it.
"""

import re
import shlex
import sys
from pathlib import Path

import pytest
import sequence_tables as tables

from protclip_td import cli
from protclip_td.benchmark import BENCHMARKS
from protclip_td.config import find_config, load_config
from protclip_td.config.manual import header

ROOT = Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "docs" / "downstream.md").read_text()
BENCHMARKS_MANUAL = (ROOT / "docs" / "benchmarks.md").read_text()
WRITERS = {
    "property_regression": tables.write_regression,
    "property_classification": tables.write_classification,
    "multiple_binary": tables.write_labels,
    "interaction": tables.write_pairs,
    "residue": tables.write_residues,
}
PROGRAM = ["python", "-m", "torchdrug.run"]


def blocks(language, manual=MANUAL):
    return re.findall(rf"^```{language}\n(.*?)^```", manual, re.DOTALL | re.MULTILINE)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder to type commands in, with the published layout at `path/to/ProtCLIP`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])  # a module in this folder is looked for there
    Path("path/to").mkdir(parents=True)
    Path("path/to/ProtCLIP").symlink_to(ROOT / "tests" / "data" / "released_tiny")
    return tmp_path


def words_of(command):
    return shlex.split(command.replace("\\\n", " "))


def type_command(text, protein_folder):
    words = words_of(text.replace("random:ESM-2-8M", protein_folder))
    assert words[:3] == PROGRAM
    if "--num_epoch" in words:
        at = words.index("--num_epoch")
        del words[at : at + 2]
    return cli.main(["run", *words[3:], "--num_epoch", "1"])


@pytest.mark.parametrize("name", WRITERS)
def test_header_commands_run(name, workplace, sample_path, tiny_protein_folder):
    text = "\n".join(header(find_config(f"downstream/{name}").read_text()))
    (command,) = re.findall(r"^ +(python .*?[^\\])$", text, re.DOTALL | re.MULTILINE)
    words = words_of(command)
    data, target = (words[words.index(flag) + 1] for flag in ("--data", "--target"))
    WRITERS[name](tables.read_proteins(sample_path), Path(data), target)
    assert type_command(command, tiny_protein_folder) == 0
    assert len(list(workplace.glob(f"runs/{name}/*/results.json"))) == 1


def test_manual_runs(workplace, tiny_protein_folder):
    make_table, own_module, train_in_torchdrug = blocks("python")
    exec(make_table, {})
    Path("my_models.py").write_text(own_module)
    commands = [command for command in blocks("bash") if "torchdrug.run" in command]
    assert len(commands) == 4
    for command in commands:
        assert type_command(command, tiny_protein_folder) == 0
    exec(train_in_torchdrug, {})


def test_benchmark_commands_are_understood(workplace, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        "protclip_td.benchmark.runner.run_benchmarks", lambda *given: asked.append(given) or 0
    )
    commands = [words_of(command) for command in blocks("bash", BENCHMARKS_MANUAL)]
    for program, *words in commands:
        if program == "protclip-td":
            assert cli.main(words) == 0
        elif program == "python":
            assert load_config(words[3], words[4:]).checkpoint == "path/to/ProtCLIP"
        else:
            assert program == "pytest"
            assert all((ROOT / path).exists() for path in words)
    ((benchmarks, settings, seeds, folder),) = asked
    assert len(benchmarks) == 22
    assert settings.encoders["model"] == "path/to/ProtCLIP"
    assert (seeds, str(folder)) == ([0, 1, 2], "results")
    assert "zero_shot_sub" in capsys.readouterr().out


def test_the_table_of_benchmarks_names_all():
    names = re.findall(
        r"`(\w+)`", BENCHMARKS_MANUAL.partition("| names | what |")[2].partition("\n\n")[0]
    )
    assert names == [benchmark.name for benchmark in BENCHMARKS]


def test_the_table_of_times_names_all():
    text = (ROOT / "docs" / "training_speed.md").read_text()
    table = text.partition("## All benchmarks at full size")[2].partition("peak GB\n")[2]
    names = re.findall(r"^(\w+) ", table.partition("```")[0], re.MULTILINE)
    assert names == [benchmark.name for benchmark in BENCHMARKS]


def test_before_and_after_are_configurations(workplace):
    before, after, _ = blocks("yaml")
    start, end = before.index("  model:\n"), before.index("  criterion:")
    for name, text in ("before", before), ("after", before[:start] + after + before[end:]):
        Path(f"{name}.yaml").write_text(text)
    assert load_config("before.yaml").task.model["class"] == "ESM"
    model = load_config("after.yaml").task.model
    assert model == {"class": "ProtCLIP", "checkpoint": "path/to/ProtCLIP"}


def test_the_variant_is_one(workplace):
    *_, text = blocks("yaml")
    Path("property_classification.yaml").write_text(
        find_config("downstream/property_classification").read_text()
    )
    Path("enzymes.yaml").write_text(text)
    config = load_config("enzymes.yaml", ["--encoder", "ProteinCNN"])
    assert config.dataset.transform.max_length == 1022
    assert config.dataset.target == "class"
