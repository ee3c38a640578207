"""Scaled cosine similarity, the logits of both contrasts.

logits_ij = e^s · ⟨a_i, b_j⟩ / (|a_i| |b_j|),    e^s ≤ 100
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_LOG_SCALE = math.log(100)


def cosine_logits(rows: Tensor, columns: Tensor, logit_scale: Tensor) -> Tensor:
    """Cosines of all rows with all columns, times the learnt scale.

    Parameters:
        rows: (..., n, d)
        columns: (..., m, d)
        logit_scale: (), the logarithm s of the scale; past ln 100 it counts as ln 100, and of its
            gradient there remains what leads back

    Returns:
        (..., n, m)

    Source: CLIP's logits, as in ProtCLIP (Zhou et al., AAAI 2025), global contrast.
    """
    scale = _AtMost.apply(logit_scale, MAX_LOG_SCALE).exp()
    return scale * F.normalize(rows, dim=-1) @ F.normalize(columns, dim=-1).transpose(-1, -2)


class _AtMost(torch.autograd.Function):
    """An upper limit; a plain clamp would never let go of what has once passed it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, limit: float) -> Tensor:
        ctx.beyond = value > limit
        return value.clamp(max=limit)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        # Descent goes against the gradient, so a positive one leads down.
        return torch.where(ctx.beyond, grad.clamp(min=0), grad), None
