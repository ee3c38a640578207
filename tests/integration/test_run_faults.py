"""A run that cannot go on says why, and what it has done is kept."""

import errno
import json
import math
import os

import pytest
import torch
from torch import nn
from toy_training import become_nan, only_run, run_toy, toy_experiment

from protclip_td.errors import InputError, TrainingError
from protclip_td.training.checkpointing import Checkpoints, load_checkpoint
from protclip_td.training.faults import find_faults, training_error


def test_nan_loss_stops_before_the_step(tmp_path):
    # Batch 9 is the first of step 5; the last checkpoint is from step 4.
    with pytest.raises(
        TrainingError, match=r"The toy loss became NaN at step 5\. The accessions"
    ) as e:
        run_toy(tmp_path, at={9: become_nan})
    folder = only_run(tmp_path)
    assert f"`checkpoint: {folder}/checkpoints/last.pt`" in str(e.value)
    assert f"--resume {folder}" in str(e.value)
    bad = json.loads((folder / "bad_batch.json").read_text())
    assert bad["step"] == 5
    assert bad["batches"][0]["losses"] == {"toy loss": "NaN"}
    assert len(bad["batches"][0]["accessions"]) == 2
    state = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert state["position"]["step"] == 4
    assert all(torch.isfinite(value).all() for value in state["model"].values())


def test_a_batch_without_accessions_has_its_losses_in_the_file(tmp_path):
    faults = find_faults(math.nan, {"loss": math.nan}, {"graph": None})
    message = str(training_error(faults, 3, tmp_path, None))
    assert f"step 3. The losses of the batch are in {tmp_path}/bad_batch.json." in message


def test_nan_loss_before_any_checkpoint(tmp_path):
    with pytest.raises(TrainingError, match=r"NaN at step 1\..* start a new run with these\."):
        run_toy(tmp_path, at={1: become_nan})
    assert not list((only_run(tmp_path) / "checkpoints").iterdir())


def test_nan_gradient_stops_before_the_step(tmp_path):
    def spoil(loss):
        loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    with pytest.raises(TrainingError, match="The gradient became NaN or infinite at step 5"):
        run_toy(tmp_path, at={9: spoil})
    assert not (only_run(tmp_path) / "bad_batch.json").exists()  # no batch is known to be at fault


def test_full_disk_is_said_and_nothing_is_lost(tmp_path, monkeypatch):
    save = Checkpoints.save
    saved = []

    def fail_at_third(self, state, is_best=False):
        saved.append(state)
        if len(saved) == 3:
            monkeypatch.setattr(torch, "save", no_space)
        save(self, state, is_best)

    def no_space(state, file):
        file.write(b"begun")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoints, "save", fail_at_third)
    with pytest.raises(TrainingError, match=r"last\.pt could not be written: No space left") as e:
        run_toy(tmp_path)
    assert "Once the cause is mended, go on with: " in str(e.value)
    checkpoints = only_run(tmp_path) / "checkpoints"
    assert sorted(path.name for path in checkpoints.iterdir()) == [
        "best.pt",
        "last.pt",
        "previous.pt",
    ]
    assert load_checkpoint(checkpoints / "last.pt")["position"]["step"] == 3


def test_both_checkpoints_damaged(tmp_path):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    for name in ("last.pt", "previous.pt"):
        (folder / "checkpoints" / name).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError, match=r"Nothing to resume from.*last\.pt.*previous\.pt"):
        run_toy(tmp_path, resume=folder)


def test_a_damaged_checkpoint_takes_the_place_of_no_good_one(tmp_path):
    run_toy(tmp_path)
    checkpoints = only_run(tmp_path) / "checkpoints"
    (checkpoints / "last.pt").write_bytes(b"damaged")
    run_toy(tmp_path, resume=only_run(tmp_path))
    kept = [load_checkpoint(checkpoints / name) for name in ("previous.pt", "last.pt")]
    assert [state["position"]["step"] for state in kept] == [8, 9]


def test_numbers_are_on_the_disk_before_the_checkpoint_that_counts_on_them(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync

    def fsync(descriptor):
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    run_toy(tmp_path)
    places = [i for i, name in enumerate(synced) if name.startswith(".last.pt")]
    assert places
    for place in places:
        assert (synced[place - 1], synced[place + 1]) == ("metrics.jsonl", "checkpoints")


def test_checkpoint_of_other_sizes_names_the_tensors(tmp_path):
    run_toy(tmp_path)
    experiment = toy_experiment()
    experiment.task.model[0] = nn.Linear(4, 6)
    expected = r"model\.0\.weight: \(8, 4\) in the file, \(6, 4\) in the model"
    with pytest.raises(InputError, match=expected):
        experiment.engine.resume(only_run(tmp_path) / "checkpoints" / "best.pt")
