"""One vector per protein of a graph, from an encoder that is not trained."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from protclip_td.data.proteins import to_pack
from protclip_td.errors import InputError
from protclip_td.hooks import behind_split
from protclip_td.models.encoding import inference, progress_bar
from protclip_td.models.packing import group_by_length

# Residues in one call of the encoder, which may cut them into smaller pieces by itself.
_RESIDUES_PER_CALL = 8192


def check_fixed(model: nn.Module, task: str) -> None:
    """Make sure that an encoder whose vectors are kept is not to be trained.

    Raises:
        InputError: some of its parameters would be trained
    """
    if any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(
            f"{task} computes a vector for each protein once and keeps it, so its encoder cannot "
            "be trained: set `fix_encoder: true`, or call `model.requires_grad_(False)` in Python"
        )


def graph_behind(split: Any, needs: str, task: str, expected: str) -> Any:
    """The data set behind a split, if it is the kind of graph that a task asks about.

    Parameters:
        split (Dataset): part of a data set
        needs (str): an attribute that only this kind of data set has
        task (str): name of the task, for messages
        expected (str): the kind, and the data set that is one

    Raises:
        InputError: it is no such graph
    """
    dataset = behind_split(split, needs)
    if not hasattr(dataset, needs):
        raise InputError(f"{task}: {type(dataset).__name__} given; expected {expected}")
    return dataset


def protein_vectors(model: Any, sequences: Sequence[str], device: torch.device) -> Tensor:
    """The `graph_feature` of each protein, by any TorchDrug model, in evaluation mode.

    In float32: what is kept must not depend on the precision of the step that asked for it first.

    Parameters:
        model (nn.Module): takes proteins; stands on `device`
        sequences (list of str): :math:`n` proteins
        device (torch.device): where to compute

    Returns:
        float32 tensor of shape :math:`(n, d)` on `device`, in the given order
    """
    parts, order = [], []
    bar = progress_bar(len(sequences), "proteins")
    with inference(model), bar, torch.autocast(device.type, enabled=False):
        for rows in group_by_length([len(sequence) for sequence in sequences], _RESIDUES_PER_CALL):
            graph = to_pack(sequences[row] for row in rows).to(device)
            feature = model(graph, graph.node_feature.float())["graph_feature"]
            parts.append(feature.float())
            order += rows
            bar.update(len(rows))
    return torch.cat(parts)[torch.tensor(order, device=device).argsort()]
