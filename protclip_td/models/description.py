"""A model in print: its parts, their sizes, and where their weights are from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import nn

from protclip_td.hooks import Part

if TYPE_CHECKING:
    from protclip_td.models.protclip import ProtCLIP

# How the encoders are called in print; all other parameters are heads.
_PARTS = {"protein_encoder": "protein encoder", "text_encoder": "text encoder"}


def parts_of(model: "ProtCLIP") -> list[Part]:
    """The encoders and the heads, those that the model has."""
    parameters: dict[str, list[nn.Parameter]] = {part: [] for part in (*_PARTS.values(), "heads")}
    for name, parameter in model.named_parameters():
        parameters[_PARTS.get(name.split(".")[0], "heads")].append(parameter)
    return [
        Part(part, sum(p.numel() for p in mine), mine[0].requires_grad, model.sources[part])
        for part, mine in parameters.items()
        if mine
    ]


def remarks(sources: Mapping[str, str]) -> list[str]:
    """What to know about the weights, by where those of each part are from."""
    if not sources["protein encoder"].startswith("random"):
        return []
    return [
        "The protein encoder starts from RANDOM weights: it has never seen a protein. For real "
        "ones set `protein_encoder` (--encoder downstream) to a fair-esm file "
        "(esm2_t6_8M_UR50D.pt) or to a transformers folder or hub name "
        "(facebook/esm2_t6_8M_UR50D)."
    ]
