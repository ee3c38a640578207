"""What is about to be trained, on what and how, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn


def describe_data(dataset: Any, splits: Sequence[Any]) -> str:
    """Show the data set's own table, if it has one, and the sizes of the splits.

    Parameters:
        dataset (Dataset): may have ``composition()``, which prints as a table
        splits (list of Dataset): train, valid, test
    """
    sizes = ", ".join(f"{len(s)} {name}" for s, name in zip(splits, ("train", "valid", "test")))
    lines = [str(dataset.composition())] if hasattr(dataset, "composition") else []
    return "\n".join([*lines, f"  {type(dataset).__name__}: {sizes}"])


def describe_model(task: nn.Module) -> str:
    """Show the parts of the model with their sizes and where their weights are from.

    Parameters:
        task (nn.Module): its ``model`` may have ``describe()``, a list of parts with ``name``,
            ``num_parameter``, ``trained`` and ``source``
    """
    model = getattr(task, "model", None)
    lines = [f"  {type(task).__name__}, {_count(task)}"]
    if model is not None and hasattr(model, "describe"):
        for part in model.describe():
            state = "trained" if part.trained else "frozen"
            size = f"{part.num_parameter / 1e6:.1f} M"
            lines.append(f"  {part.name:<16}{size:>8}  {state:<8} {part.source}")
    return "\n".join(lines)


def describe_training(engine: Any, train: Mapping[str, Any]) -> str:
    """Show how long the training is, and with which settings of the engine.

    Parameters:
        engine (ResumableEngine): ready to train
        train (dict): the config's ``train`` block
    """
    processes = f" in {engine.world_size} processes" if engine.world_size > 1 else ""
    rates = sorted({f"{group['lr']:.1e}" for group in engine.optimizer.param_groups})
    return (
        f"  {train['num_epoch']} epochs of {len(engine.train_set)} items in batches of "
        f"{engine.batch_size}{processes}, on {engine.device}, {engine.precision.name}\n"
        f"  {type(engine.optimizer).__name__}, learning rate {' and '.join(rates)}"
    )


def _count(module: nn.Module) -> str:
    total = sum(p.numel() for p in module.parameters())
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return f"{_short(total)} parameters, {_short(trained)} of them trained"


def _short(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e5 else f"{number:,}"
