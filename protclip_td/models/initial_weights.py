"""Random weights for an encoder that starts from nothing, drawn as for ESM-2 itself."""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from protclip_td.models.esm_config import new_esm

if TYPE_CHECKING:
    from transformers import EsmConfig, EsmModel


def random_esm(config: "EsmConfig") -> "EsmModel":
    """An `EsmModel` with random weights from torch's generator, as fair-esm draws them.

    transformers draws all of them with a deviation of 0.02, the letters, too. They are drowned by
    what attention adds to all residues of a protein alike, so that these, and even more the means
    of them that PDA contrasts, are hardly told apart: in the size of ESM-2-8M the cosine between
    two residues is 0.91. fair-esm's letters have unit deviation, and the cosine is 0.39.

    Parameters:
        config (EsmConfig): sizes of the model

    Source: ESM-2's code (Lin et al., Science 2023): `ESM2`, `MultiheadAttention`.
    """
    model: Any = new_esm(config)  # whose layers mypy does not know
    with torch.no_grad():
        letters = model.embeddings.word_embeddings
        nn.init.normal_(letters.weight)
        letters.weight[letters.padding_idx] = 0
        for layer in model.encoder.layer:
            own, mixed = layer.attention.self, layer.attention.output.dense
            for linear in (own.query, own.key, own.value):
                linear.reset_parameters()
                nn.init.xavier_uniform_(linear.weight, gain=1 / math.sqrt(2))
            nn.init.xavier_uniform_(mixed.weight)
            nn.init.zeros_(mixed.bias)
            for linear in (layer.intermediate.dense, layer.output.dense):
                linear.reset_parameters()
    return model
