"""Which tasks need a fixed encoder only once per protein, and which data a protein only once."""

from pathlib import Path
from typing import Any

from torch.utils import data as torch_data
from torchdrug import tasks, transforms

from protclip_td.hooks import TaskHooks
from protclip_td.models.kept_features import KeptFeatures, keep_features
from protclip_td.models.kept_texts import keep_means
from protclip_td.training.kept_items import KeptItems

# TorchDrug's tasks that read nothing but `graph_feature`, and do nothing with a protein but hand it
# to the model. A subclass may do more.
_READ_GRAPH_FEATURE = (
    tasks.PropertyPrediction,
    tasks.InteractionPrediction,
    tasks.MultipleBinaryClassification,
)


def keep_encoder_features(task: Any, folder: Path) -> bool:
    """Keep the features of a task's fixed encoder, where the task reads no others.

    A task of one's own says so by ``reads_only_graph_feature = True``. What a task's frozen text
    encoder says is kept as well.

    Parameters:
        task (nn.Module): task with a fixed encoder as its `model`
        folder (Path): where to keep them; other runs may share it

    Returns:
        bool: whether they are kept
    """
    reads_only = type(task) in _READ_GRAPH_FEATURE or getattr(
        task, "reads_only_graph_feature", TaskHooks.reads_only_graph_feature
    )
    is_fixed = not any(parameter.requires_grad for parameter in task.model.parameters())
    changes_graphs = getattr(task, "graph_construction_model", None) is not None
    if not reads_only or not is_fixed or changes_graphs:
        return False
    keep_features(task.model, folder)
    texts = getattr(task, "frozen_text_encoder", TaskHooks.frozen_text_encoder)
    if texts is not None:
        keep_means(texts, folder)
    return True


def keep_items(engine: Any) -> None:
    """Let an engine make each protein once, where the features of its task's encoder are kept.

    Parameters:
        engine (core.Engine): its training and validation set change
    """
    task = engine.model
    encoders = {task.model, getattr(task, "model2", task.model)}
    are_kept = all(isinstance(encoder.forward, KeptFeatures) for encoder in encoders)
    if type(task) not in _READ_GRAPH_FEATURE or not are_kept:
        return
    for name in ("train_set", "valid_set"):
        split = getattr(engine, name)
        if _is_constant(split):
            setattr(engine, name, KeptItems(split))


def _is_constant(split: Any) -> bool:
    """Whether items are surely the same in every epoch: nobody knows of data sets of one's own."""
    dataset = split
    while type(dataset) is torch_data.Subset:
        dataset = dataset.dataset
    package = type(dataset).__module__.partition(".")[0]
    # One that wraps another may wrap anything, or draw other items of it in each epoch.
    is_known = package in ("torchdrug", "protclip_td") and not hasattr(dataset, "dataset")
    return is_known and _draws_nothing(getattr(dataset, "transform", None))


def _draws_nothing(transform: Any) -> bool:
    if type(transform) is transforms.Compose:
        return all(map(_draws_nothing, transform.transforms))
    if type(transform) is transforms.TruncateProtein:
        return not transform.random
    return transform is None or type(transform) is transforms.ProteinView
