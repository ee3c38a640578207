"""Which tasks need their fixed encoder only once per protein."""

from pathlib import Path
from typing import Any

from torchdrug import tasks

from protclip_td.hooks import TaskHooks
from protclip_td.models.kept_features import keep_features

# TorchDrug's tasks that read nothing but `graph_feature`. A subclass may read more.
_READ_GRAPH_FEATURE = (
    tasks.PropertyPrediction,
    tasks.InteractionPrediction,
    tasks.MultipleBinaryClassification,
)


def keep_encoder_features(task: Any, folder: Path) -> bool:
    """Keep the features of a task's fixed encoder, where the task reads no others.

    A task of one's own says so by ``reads_only_graph_feature = True``.

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
    return True
