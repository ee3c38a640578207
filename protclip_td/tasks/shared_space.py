"""Proteins and texts of a batch in the space that both share, for tasks that compare them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from protclip_td.errors import InputError
from protclip_td.hooks import DataSetHooks, behind_split
from protclip_td.models.encoding import list_strings


def embed_proteins(model: Any, graph: Any) -> Tensor:
    """Unit vectors (n, d) of packed proteins in the shared space."""
    feature = model(graph, graph.node_feature.float())["graph_feature"]
    if model.readout != "projection":
        feature = model.protein_projection(feature)
    return F.normalize(feature.float(), dim=-1)


@torch.no_grad()
def embed_texts(model: Any, texts: Sequence[str]) -> Tensor:
    """Unit vectors (n, d) of texts in the shared space."""
    return F.normalize(model.text_projection(model.text_encoder.means(texts)).float(), dim=-1)


def label_texts(task: str, labels: Sequence[str] | None, template: str, split: Any) -> list[str]:
    """What a split's labels are called, put in a sentence.

    Parameters:
        task (str): name of the task, for messages
        labels (list of str, optional): names of the labels in order; by default the data set's
            ``label_names``
        template (str): the sentence, with ``{}`` in place of the name
        split (Subset): part of a data set

    Raises:
        InputError: the data set names no labels, those given are no list of strings, or the
            template has no place for them
    """
    if template.count("{}") != 1:
        raise InputError(f"template: {template!r} given; expected a text with one {{}} in it")
    if labels is None:
        dataset = behind_split(split, "label_names")
        labels = getattr(dataset, "label_names", DataSetHooks.label_names)
    else:
        labels = list_strings(labels, "label")
    if not labels:
        raise InputError(
            f"{task} needs the names of the labels: give them as `labels`, in order, since the "
            "data set has none"
        )
    return [template.replace("{}", " ".join(str(label).split())) for label in labels]
