"""What a run leaves behind."""

import csv
import json
import sys

import pytest
import torch
from toy_training import only_run, rows, run_toy

import protclip_td.run
from protclip_td.errors import InputError
from protclip_td.training.run_folder import CONTENTS, RunFolder


def test_everything_is_kept(tmp_path, capsys):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    made = set(CONTENTS) - {"model", "checkpoints/fixed.pt"}  # all of the toy is trained
    assert names == made | {".config.yaml", ".lock"}
    said = capsys.readouterr().out
    assert {name for name in CONTENTS if f"  {name} " in said} == made
    assert "ToySet: 11 train, 5 valid, 4 test" in said
    assert "Best checkpoint (epoch 3) on the test split" in said


def test_the_settings_at_the_start_are_kept_through_a_resume(tmp_path):
    run_toy(tmp_path)
    begun = only_run(tmp_path) / ".config.yaml"
    assert begun.read_text() == (only_run(tmp_path) / "config.yaml").read_text()
    begun.write_text("seed: 1\n")
    run_toy(tmp_path, resume=only_run(tmp_path))
    assert begun.read_text() == "seed: 1\n"


def test_numbers_of_steps_and_epochs(tmp_path):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    step = rows(folder, "step")[0]
    names = {"kind", "step", "epoch", "lr", "gradient norm", "vectors_per_s", "toy loss"}
    assert set(step) == names
    epochs = rows(folder, "epoch")
    mean = sum(row["toy loss"] for row in rows(folder, "step")[:3]) / 3
    assert epochs[0]["train toy loss"] == pytest.approx(mean, rel=1e-12)
    with open(folder / "metrics.csv") as file:
        table = list(csv.DictReader(file))
    assert [float(row["valid loss"]) for row in table] == [row["valid loss"] for row in epochs]


def test_versions_and_data_are_named(tmp_path):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    versions = json.loads((folder / "versions.json").read_text())
    assert versions["torch"].startswith(torch.__version__.partition("+")[0])
    assert {"python", "torchdrug", "transformers", "rdkit", "protclip_td"} <= set(versions)
    assert len(versions["git_revision"] or "0" * 40) >= 40
    manifest = json.loads((folder / "data_manifest.json").read_text())
    assert manifest == {"class": "ToySet", "splits": {"train": 11, "valid": 5, "test": 4}}


def test_all_but_paths_fits_a_terminal(tmp_path, capsys, monkeypatch):
    def interrupt(loss):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["protclip-td"])
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path, at={9: interrupt})
    folder = only_run(tmp_path)
    (folder / "model").mkdir()
    run_toy(tmp_path, resume=folder)
    said = capsys.readouterr().out
    long = {line.strip() for line in said.splitlines() if len(line) > 80}
    assert [line for line in long if not _is_copied(line, str(tmp_path))] == []
    assert f"Go on with:\n  protclip-td run --resume {folder}\n" in said
    assert f'folder = "{folder}/model"\n  ProtCLIP.from_pretrained(folder).prot' in said
    assert (
        f"or in another config,\n  model:\n    class: ProtCLIP\n    checkpoint: {folder}/m" in said
    )
    assert "  model                    the best model, for from" in said


def _is_copied(line, path):
    """Whether a line is a command or a path alone, but for what names it."""
    before, found, behind = line.partition(path)
    return bool(found) and len(before) < 30 and " " not in behind


def test_torchdrug_talks_to_the_log_only(tmp_path, capsys):
    run_toy(tmp_path)
    assert "toy loss: " in (only_run(tmp_path) / "log.txt").read_text()
    captured = capsys.readouterr()
    assert "Preprocess" not in captured.out
    assert captured.err == ""  # no bar either, since this is no terminal


def test_runs_of_the_same_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("protclip_td.training.run_folder.time.strftime", lambda _: "now")
    folders = [RunFolder.create(tmp_path / "runs" / "toy") for _ in range(3)]
    assert [folder.path.name for folder in folders] == ["now", "now.2", "now.3"]
    for folder in folders:
        folder.close()


def test_unfinished_files_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").touch()
    for name in ("metrics.csv", "checkpoints/last.pt"):
        path = tmp_path / name
        path.with_name(f".{path.name}.{'0' * 32}.tmp").touch()
    RunFolder.open(tmp_path).close()
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"config.yaml", "checkpoints", ".lock"}


def test_a_run_that_can_have_no_folder_says_so(tmp_path):
    (tmp_path / "file").touch()
    message = f"output_dir: no folder can be made in {tmp_path}/file/runs: Not a directory"
    with pytest.raises(InputError, match=message):
        protclip_td.run.RunFolder.create(tmp_path / "file" / "runs")


def test_resume_of_no_run_folder(tmp_path):
    with pytest.raises(InputError, match=r"is not a run folder: it has no config\.yaml"):
        run_toy(tmp_path, resume=tmp_path)
