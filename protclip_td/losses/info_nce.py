"""InfoNCE against a few chosen negatives, as bridges between modalities are trained.

With cosines c and temperature T,

    ℓ = − mean_i log [ e^{c(q_i, k_i)/T} / ( e^{c(q_i, k_i)/T} + Σ_j e^{c(q_i, n_ij)/T} ) ]

Source: BioBridge (Wang et al., ICLR 2024), the loss of the bridge module.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from protclip_td.losses.precision import in_float32


@in_float32
def info_nce_loss(
    query: Tensor, key: Tensor, negative: Tensor, is_there: Tensor, *, temperature: float = 0.1
) -> Tensor:
    """Each query against its key and its own negatives.

    Parameters:
        query: (B, d), not yet normalised
        key: (B, d) what each query should find
        negative: (B, k, d) what it should not find
        is_there: (B, k) bool, false where a query has fewer than k negatives
        temperature: T

    Returns:
        (), float32; a query without any negative adds nothing

    Source: BioBridge (Wang et al., ICLR 2024).

    Example::

        >>> axes = torch.eye(2)
        >>> negative, is_there = axes.flip(0)[:, None], torch.ones(2, 1, dtype=torch.bool)
        >>> info_nce_loss(axes, axes, negative, is_there, temperature=1.0)  # log(1 + 1 / e)
        tensor(0.3133)
    """
    query = F.normalize(query, dim=-1)[:, None]
    keys = torch.cat([key[:, None], negative], dim=1)
    logits = (query * F.normalize(keys, dim=-1)).sum(-1) / temperature
    absent = F.pad(~is_there, (1, 0), value=False)
    return -logits.masked_fill(absent, -torch.inf).log_softmax(-1)[:, 0].mean()
