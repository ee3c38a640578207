"""Scaled cosine similarity, the logits of both contrasts.

logits_ij = e^s · ⟨a_i, b_j⟩ / (|a_i| |b_j|),    e^s ≤ 100
"""

import torch.nn.functional as F
from torch import Tensor

MAX_SCALE = 100.0


def cosine_logits(rows: Tensor, columns: Tensor, logit_scale: Tensor) -> Tensor:
    """Cosines of all rows with all columns, times the learnt scale.

    Parameters:
        rows: (..., n, d)
        columns: (..., m, d)
        logit_scale: (), the logarithm s of the scale; past ln 100 it counts as ln 100 and gets no
            gradient

    Returns:
        (..., n, m)

    Source: CLIP's logits, as in ProtCLIP (Zhou et al., AAAI 2025), global contrast.
    """
    scale = logit_scale.exp().clamp(max=MAX_SCALE)
    return scale * F.normalize(rows, dim=-1) @ F.normalize(columns, dim=-1).transpose(-1, -2)
