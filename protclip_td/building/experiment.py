"""One experiment: everything that a run needs, made from its configuration."""

import inspect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torchdrug import tasks
from torchdrug.utils import comm

from protclip_td.building.from_checkpoint import load_weights
from protclip_td.building.objects import build_object
from protclip_td.building.parameters import encoder_of, freeze, parameter_groups, second_encoder_of
from protclip_td.config.check import DEFAULT_ENGINE
from protclip_td.config.classes import arguments, find_class
from protclip_td.config.loading import Config
from protclip_td.errors import InputError
from protclip_td.models.checkpoint import is_model_folder
from protclip_td.training.random_state import seed_everything

logger = logging.getLogger(__name__)


@dataclass
class Experiment:
    """What a configuration describes.

    Parameters:
        dataset (Dataset): the whole data set
        splits (list of Dataset): train, valid, test
        task (nn.Module): task, preprocessed
        engine (core.Engine): TorchDrug's engine or a subclass, with optimizer and scheduler
    """

    dataset: Any
    splits: list[Any]
    task: Any
    engine: Any


def build(config: Config) -> Experiment:
    """Build everything, in the order in which the parts need each other.

    The optimizer comes after the task's `preprocess`, since that is where TorchDrug's tasks make
    their heads, which belong into the right parameter group.

    Parameters:
        config (Config): checked configuration

    Raises:
        InputError: a class refuses its arguments, or the parts do not fit together
    """
    seed = config.get("seed", 0)
    seed_everything(seed)  # the same everywhere: all processes must split the data alike
    dataset = build_object(config.dataset, "datasets")
    splits = split(dataset, config.get("test_split"), may_be_empty=config.train.num_epoch == 0)
    seed_everything(seed + comm.get_rank())
    task = build_task(config, dataset)
    splits = preprocess(task, splits)
    if config.get("checkpoint") and not is_model_folder(config.checkpoint):
        load_weights(task, config.checkpoint)
    if config.get("fix_encoder"):
        encoder = encoder_of(task)
        # A task without training has no head of its own: there all of the model is fixed.
        freeze(encoder if config.train.num_epoch else task.model)
    if config.get("fix_encoder2"):
        freeze(second_encoder_of(task))
    optimizer = build_optimizer(config, task)
    scheduler = None
    if config.get("scheduler"):
        scheduler = build_object(config.scheduler, "scheduler", optimizer=optimizer)
    engine = build_engine(config, task, splits, optimizer, scheduler)
    return Experiment(dataset, splits, task, engine)


def split(dataset: Any, test_split: str | None, may_be_empty: bool = False) -> list[Any]:
    """Training, validation and test set.

    Without validation or test rows a run is still possible; what it then lacks is said.

    Parameters:
        dataset (Dataset): the whole data set
        test_split (str, optional): which of several test sets
        may_be_empty (bool, optional): whether the training set may, since nothing is trained

    Raises:
        InputError: the data set cannot be split into three, or there is nothing to train on
    """
    name = type(dataset).__name__
    if not hasattr(dataset, "split"):
        raise InputError(
            f"{name} has no `split` method, which gives training, validation and test set. Add one "
            "to the class, or take another data set"
        )
    splits = list(dataset.split(["train", "valid", test_split]) if test_split else dataset.split())
    if len(splits) != 3:
        raise InputError(
            f"{name} splits into {len(splits)} sets; expected train, valid and test. "
            "Name the test set with `test_split:`"
        )
    if len(splits[0]) == 0 and not may_be_empty:
        raise InputError(
            f"{name}: the training set is empty. Check how the data are split, or set "
            "`train: {num_epoch: 0}` to evaluate only"
        )
    if len(splits[1]) == 0 and not may_be_empty:
        logger.warning("%s: the validation set is empty: the last epoch counts, not the best", name)
    if len(splits[2]) == 0:
        logger.warning("%s: the test set is empty: nothing will be tested", name)
    return splits


def build_task(config: Config, dataset: Any) -> Any:
    """The task, told what the data set's targets are, as PEER and ProtST do."""
    block = dict(config.task)
    cls = find_class(block["class"], "tasks")
    if "task" not in block and hasattr(dataset, "tasks"):
        if issubclass(cls, tasks.PropertyPrediction):  # InteractionPrediction is one, too
            block["task"] = dataset.tasks
        elif issubclass(cls, tasks.MultipleBinaryClassification):
            block["task"] = list(range(len(dataset.tasks)))
    checkpoint = config.get("checkpoint")
    if checkpoint and is_model_folder(checkpoint):
        block["model"] = with_checkpoint(block["model"], checkpoint)
    return build_object(block, "tasks")


def with_checkpoint(model: dict[str, Any], folder: str) -> dict[str, Any]:
    """The model's block with its weights from a folder, for models that can read one.

    Raises:
        InputError: the model cannot
    """
    cls = find_class(model["class"], "models")
    if "checkpoint" not in inspect.signature(cls).parameters:
        raise InputError(
            f"checkpoint: {folder} is a folder, which {cls.__name__} cannot read. Give the "
            "checkpoint file of a run (such as checkpoints/best.pt), or the model ProtCLIP"
        )
    # The folder holds both encoders; a model takes each from one source.
    kept = {key: model[key] for key in model if key not in ("protein_encoder", "text_encoder")}
    return {**kept, "checkpoint": folder}


def preprocess(task: Any, splits: Sequence[Any]) -> list[Any]:
    """Run the task's `preprocess` now instead of in the engine.

    TorchDrug's engine calls it when it is made, after the optimizer. A second call would replace
    the heads that the optimizer knows, so the task answers that one with nothing.

    Returns:
        list of Dataset: the splits, as `preprocess` may change them
    """
    if not hasattr(task, "preprocess"):
        return list(splits)
    changed = task.preprocess(*splits)
    task.preprocess = _already_done
    return list(splits) if changed is None else list(changed)


def _already_done(*splits: Any) -> None:
    """Stands in for `preprocess` while the engine is made."""


def build_optimizer(config: Config, task: Any) -> Any:
    """The optimizer over the task's parameter groups; without training, over nothing of it."""
    if config.train.num_epoch == 0:  # TorchDrug's engine wants one nevertheless
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=0.0)
    known, _ = arguments(find_class(config.optimizer["class"], "optim"))
    default_lr = known["lr"].default if "lr" in known else None
    lr = config.optimizer.get("lr", default_lr)
    groups = parameter_groups(task, lr, config.get("lr_ratio"))
    return build_object(config.optimizer, "optim", params=groups)


def build_engine(
    config: Config, task: Any, splits: Sequence[Any], optimizer: Any, scheduler: Any
) -> Any:
    """The engine, and the task's own `preprocess` back in place."""
    block = {"class": DEFAULT_ENGINE, **config.engine}
    if block.get("gpus") and not torch.cuda.is_available():
        logger.warning(
            "engine.gpus is %s, but PyTorch sees no GPU: on the CPU instead", block["gpus"]
        )
        block["gpus"] = None
    parts = {"train_set": splits[0], "valid_set": splits[1], "test_set": splits[2]}
    engine = build_object(
        block, "core", task=task, optimizer=optimizer, scheduler=scheduler, **parts
    )
    task.__dict__.pop("preprocess", None)
    return engine
