"""What a run leaves behind, and how it ends when something is wrong."""

import csv
import errno
import json
import math
import multiprocessing
import os
import sys
import types

import pytest
import torch
import toy_training
from torch import nn, optim
from torchdrug import core
from toy_training import become_nan, only_run, run_toy, toy_experiment

import protclip_td.run
from protclip_td.building import Experiment
from protclip_td.errors import InputError, TrainingError
from protclip_td.training.checkpointing import Checkpoints, load_checkpoint
from protclip_td.training.faults import find_faults, training_error
from protclip_td.training.lock import FolderLock
from protclip_td.training.run_folder import CONTENTS, RunFolder


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """`run_toy` puts the toy in place of `build`; put that back."""
    monkeypatch.setattr(protclip_td.run, "build", protclip_td.run.build)


def rows(folder, kind):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


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


def hold_lock(folder, pipe):
    FolderLock(folder)
    pipe.send("held")
    pipe.recv()


def test_folder_in_use_names_the_process(tmp_path):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold_lock, args=(folder, theirs))
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(InputError, match=f"in use by process {process.pid} on .* since 20"):
        run_toy(tmp_path, resume=folder)
    ours.send("enough")
    process.join()
    run_toy(tmp_path, resume=folder)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("protclip_td.training.lock.os.open", refuse)
    with pytest.raises(TrainingError, match=r"\.lock could not be written: Read-only file system"):
        FolderLock(tmp_path)


def test_the_process_that_uses_a_folder_is_named_whatever_stood_there(tmp_path):
    (tmp_path / ".lock").write_text("the end of a longer one " * 9)
    lock = FolderLock(tmp_path)
    with pytest.raises(InputError, match=f"in use by process {os.getpid()} on "):
        FolderLock(tmp_path)
    (tmp_path / ".lock").write_text("")  # between making it and writing
    with pytest.raises(InputError, match="in use by another process"):
        FolderLock(tmp_path)
    lock.release()


def test_a_folder_without_locks_is_not_called_in_use(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("protclip_td.training.lock.fcntl.flock", refuse)
    with pytest.raises(InputError, match=f"{tmp_path} cannot be locked: No locks available"):
        FolderLock(tmp_path)


def test_lock_is_not_inherited_by_workers(tmp_path):
    run_toy(tmp_path)
    lock = protclip_td.run.RunFolder.open(only_run(tmp_path)).lock
    child = os.fork()
    if child == 0:
        try:
            os.fstat(lock._descriptor)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    lock.release()


def test_a_worker_that_releases_a_lock_closes_no_file_of_its_own(tmp_path):
    lock = FolderLock(tmp_path)
    child = os.fork()
    if child == 0:
        try:
            assert os.open(os.devnull, os.O_RDONLY) == lock._descriptor
            lock.release()
            os.fstat(lock._descriptor)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    assert os.waitpid(child, 0)[1] == 0
    lock.release()
    lock.release()  # twice is no mistake


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


def test_resumes_from_any_checkpoint_file(tmp_path):
    run_toy(tmp_path)
    checkpoints = only_run(tmp_path) / "checkpoints"
    final = load_checkpoint(checkpoints / "last.pt")["model"]
    engine = toy_experiment().engine
    engine.resume(checkpoints / "previous.pt")
    assert engine.position.step == 8
    engine.fit(3)
    state = engine.model.state_dict()
    assert all(torch.equal(state[name], final[name]) for name in final)


def test_stock_engine_reads_our_checkpoints(tmp_path):
    run_toy(tmp_path)
    engine = toy_experiment().engine
    checkpoint = str(only_run(tmp_path) / "checkpoints" / "best.pt")
    core.Engine.load(engine, checkpoint)
    weight = load_checkpoint(checkpoint)["model"]["model.0.weight"]
    assert torch.equal(engine.model.model[0].weight, weight)


def test_stock_engine_is_refused_by_run(tmp_path, monkeypatch):
    toy = toy_experiment()
    stock = core.Engine(toy.task, *toy.splits, toy.engine.optimizer)
    other = Experiment(toy.dataset, toy.splits, toy.task, stock)
    monkeypatch.setattr(toy_training, "toy_experiment", lambda *_, **__: other)
    with pytest.raises(InputError, match="Engine cannot keep checkpoints"):
        run_toy(tmp_path)


def test_early_stopping(tmp_path, capsys):
    # The toy's accuracy never changes, so the first evaluation remains the best.
    run_toy(tmp_path, settings={"eval_metric": "accuracy"}, early_stopping=1)
    folder = only_run(tmp_path)
    assert len(rows(folder, "epoch")) == 2
    assert "Stopped early: epoch 1 (0.5) is still the best after 1 more" in capsys.readouterr().out
    assert json.loads((folder / "results.json").read_text())["epoch"] == 1


def test_unknown_eval_metric(tmp_path):
    with pytest.raises(InputError, match=r"'acuracy' is not among .* did you mean `accuracy`"):
        run_toy(tmp_path, settings={"eval_metric": "acuracy"})


def test_wandb_logger_still_works(tmp_path, monkeypatch):
    logged = []
    fake_run = types.SimpleNamespace(
        define_metric=lambda *_, **__: None,
        log=logged.append,
        config=types.SimpleNamespace(update=lambda config: logged.append(config)),
    )
    fake = types.ModuleType("wandb")
    fake.run, fake.init = None, lambda **_: fake_run
    monkeypatch.setitem(sys.modules, "wandb", fake)
    run_toy(tmp_path, logger="wandb", log_interval=1)
    names = [set(record) for record in logged]
    assert names.count({"train/batch/toy loss", "batch"}) == 9
    assert names.count({"train/epoch/toy loss", "epoch"}) == 3
    assert {"valid/epoch/loss", "valid/epoch/accuracy", "epoch"} in names
    assert {"test/epoch/loss", "test/epoch/accuracy", "epoch"} in names


def test_fp16_resumes_with_its_loss_scale(tmp_path):
    run_toy(tmp_path, precision="fp16")
    checkpoints = only_run(tmp_path) / "checkpoints"
    final = load_checkpoint(checkpoints / "last.pt")
    assert final["scaler"]["scale"] < 2**16  # the first, too large scale has cost a step
    engine = toy_experiment(precision="fp16").engine
    engine.resume(checkpoints / "previous.pt")
    engine.fit(3)
    state = engine.model.state_dict()
    assert all(torch.equal(state[name], final["model"][name]) for name in state)


def test_bf16_trains_close_to_fp32(tmp_path):
    run_toy(tmp_path / "full")
    run_toy(tmp_path / "mixed", precision="bf16")
    losses = [
        [row["toy loss"] for row in rows(only_run(tmp_path / name), "step")]
        for name in ("full", "mixed")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_plateau_scheduler_gets_the_metric(tmp_path):
    toy = toy_experiment()
    optimizer = toy.engine.optimizer
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=0)
    engine = type(toy.engine)(toy.task, *toy.splits, optimizer, scheduler, batch_size=2)
    engine.fit(3, eval_metric="accuracy")
    # Constant accuracy: worse at the second and at the third evaluation.
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.02 * 0.01)


def test_a_batch_of_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(toy_training.ToyTask, "min_batch_size", 2)
    with pytest.raises(InputError, match=r"1 given; ToyTask needs at least 2 in a batch"):
        toy_experiment(batch_size=1)


def test_train_as_with_the_stock_engine():
    engine = toy_experiment().engine
    engine.schedule.set_num_step(4)
    engine.train(1, batch_per_epoch=4)
    assert (engine.epoch, engine.position.step) == (1, 2)
    engine.train(1, batch_per_epoch=4)
    assert engine.epoch == 2
    config = engine.config_dict()
    assert config["class"] == "core.ResumableEngine"
    assert config["checkpoint_interval"] == 2


def test_evaluation_leaves_the_random_numbers_alone():
    engine = toy_experiment().engine
    before = torch.get_rng_state()
    first, second = engine.evaluate("valid"), engine.evaluate("valid")
    assert first["loss"] == second["loss"]
    assert torch.equal(before, torch.get_rng_state())
