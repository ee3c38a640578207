"""Which weights a run tests, and that the settings of its training reach it."""

import json

from toy_training import only_run, run_toy, toy_experiment


def test_the_weights_of_the_best_epoch_are_tested(tmp_path):
    """The toy's accuracy never changes, so that the first of three epochs is the best."""
    run_toy(tmp_path, settings={"eval_metric": "accuracy"})
    folder = only_run(tmp_path)
    results = json.loads((folder / "results.json").read_text())
    engine, losses = toy_experiment().engine, {}
    for name in ("best", "last"):
        engine.load(str(folder / "checkpoints" / f"{name}.pt"))
        losses[name] = float(engine.evaluate("test", log=False)["loss"])
    assert results["epoch"] == 1
    assert results["loss"] == losses["best"] != losses["last"]


def test_batches_of_an_epoch_can_be_fewer(tmp_path):
    run_toy(tmp_path, settings={"train": {"num_epoch": 2, "batch_per_epoch": 4}})
    rows = (only_run(tmp_path) / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [1, 2, 2, 3, 4, 4]  # 2 steps, 1 epoch, …
