"""What is about to be trained, on what and how, in plain words."""

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from protclip_td.data.split_names import SPLITS
from protclip_td.hooks import DataSetHooks, ModelHooks
from protclip_td.wording import WIDTH, fold


def describe_data(dataset: DataSetHooks, splits: Sequence[Any]) -> str:
    """Show the data set's own table, if it has one, and the sizes of the splits.

    Parameters:
        dataset (Dataset): may have `composition`
        splits (list of Dataset): train, valid, test
    """
    sizes = ", ".join(f"{len(s)} {name}" for s, name in zip(splits, SPLITS))
    lines = [str(dataset.composition())] if hasattr(dataset, "composition") else []
    return "\n".join([*lines, f"  {type(dataset).__name__}: {sizes}"])


def describe_model(task: nn.Module) -> str:
    """Show the parts of the model with their sizes and where their weights are from.

    Parameters:
        task (nn.Module): its ``model`` may have `describe` and `remarks`
    """
    model: ModelHooks | None = getattr(task, "model", None)
    lines = [f"  {type(task).__name__}, {_count(task)}"]
    if model is not None and hasattr(model, "describe"):
        for part in model.describe():
            state = "trained" if part.trained else "frozen"
            size = f"{part.num_parameter / 1e6:.1f} M"
            lines += _in_columns(f"  {part.name:<16}{size:>8}  {state:<8} ", part.source)
    for remark in model.remarks() if model is not None and hasattr(model, "remarks") else ():
        lines += textwrap.wrap(remark, 78, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def describe_training(engine: Any, train: Mapping[str, Any]) -> str:
    """Show how long the training is, and with which settings of the engine.

    Parameters:
        engine (ResumableEngine): ready to train
        train (dict): the config's ``train`` block
    """
    if train["num_epoch"] == 0:
        return (
            f"  None: the task is evaluated as it is, on {engine.device}, {engine.precision.name}"
        )
    processes = f" in {engine.world_size} processes" if engine.world_size > 1 else ""
    epochs = "1 epoch" if train["num_epoch"] == 1 else f"{train['num_epoch']} epochs"
    rates = sorted({f"{group['lr']:.1e}" for group in engine.optimizer.param_groups})
    return (
        f"  {epochs} of {len(engine.train_set)} items in batches of "
        f"{engine.batch_size}{processes}, on {engine.device}, {engine.precision.name}\n"
        f"  {type(engine.optimizer).__name__}, learning rate {' and '.join(rates)}"
    )


def busy_machine(engine: Any) -> str:
    """A word of advice where other processes keep the CPU busy, else nothing.

    PyTorch's threads wait for each other without letting go of the CPU. Where another process
    takes one of two cores, that makes a step three times slower; with OMP_WAIT_POLICY=passive it
    takes less than twice as long (see docs/training_speed.md).

    Parameters:
        engine (ResumableEngine): ready to train
    """
    is_told = "OMP_WAIT_POLICY" in os.environ or os.environ.get("OMP_NUM_THREADS") == "1"
    load, num_core = os.getloadavg()[0], os.cpu_count() or 1
    if engine.device.type != "cpu" or is_told or load < num_core / 2:
        return ""
    return (
        f"  This machine is busy (load {load:.1f} on {num_core} cores), which can slow training\n"
        "  down threefold or more. If so, start with OMP_WAIT_POLICY=passive set.\n"
    )


def _in_columns(columns: str, source: str) -> list[str]:
    """A row with its last column, which may be a long path, below it where it does not fit."""
    if len(columns + source) <= WIDTH:
        return [columns + source]
    return [columns.rstrip(), fold(f"    {source}")]


def _count(module: nn.Module) -> str:
    total = sum(p.numel() for p in module.parameters())
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return f"{_short(total)} parameters, {_short(trained)} of them trained"


def _short(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e5 else f"{number:,}"
