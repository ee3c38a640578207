"""The engine in whole trainings: precisions, schedulers, loggers, and beside TorchDrug's own."""

import json
import sys
import types

import pytest
import torch
import toy_training
from torch import optim
from torchdrug import core
from toy_training import only_run, rows, run_toy, toy_experiment

from protclip_td.building import Experiment
from protclip_td.errors import InputError
from protclip_td.training.checkpointing import load_checkpoint


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
