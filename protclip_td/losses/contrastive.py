"""Global contrast (GC): proteins against the biotexts of all ranks.

With ẑ, û the L2-normalised embeddings of B pairs and s the learnt scale,

    logits_ij = e^s ⟨ẑ_i, û_j⟩,    e^s ≤ 100
    ℓ_GC = ½ · mean_i [ −log softmax_j(logits_ij)_i ]  +  ½ · mean_j [ −log softmax_i(logits_ij)_j ]

Negatives come from all ranks: each rank holds its own pairs as rows against everybody's columns.
The mean of the ranks' losses, and the mean of their gradients that DistributedDataParallel takes,
are those of one process that holds all pairs.

Source: ProtCLIP (Zhou et al., AAAI 2025), global contrast; CLIP (Radford et al., ICML 2021).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed

from protclip_td.losses.precision import in_float32
from protclip_td.losses.similarity import cosine_logits


@in_float32
def contrastive_loss(
    protein: Tensor, text: Tensor, logit_scale: Tensor, across_ranks: bool = True
) -> Tensor:
    """Contrastive loss of this rank's pairs.

    Parameters:
        protein: (B, d) embeddings, not yet normalised
        text: (B, d) embeddings of their biotexts
        logit_scale: (), logarithm of the scale of the cosines, at most ln 100
        across_ranks: whether the pairs of all ranks are the negatives, B being the same on each

    Returns:
        (), float32; 0 for a single pair, which has no negatives

    Source: ProtCLIP (Zhou et al., AAAI 2025), loss GC.

    Example::

        >>> pair = torch.eye(2)
        >>> contrastive_loss(pair, pair, torch.tensor(0.0))  # log(1 + 1 / e)
        tensor(0.3133)
    """
    all_protein, all_text = gather_pairs(protein, text) if across_ranks else (protein, text)
    first = _rank() * len(protein) if across_ranks else 0
    target = first + torch.arange(len(protein), device=protein.device)
    protein_to_text = F.cross_entropy(cosine_logits(protein, all_text, logit_scale), target)
    text_to_protein = F.cross_entropy(cosine_logits(text, all_protein, logit_scale), target)
    return (protein_to_text + text_to_protein) / 2


def gather_pairs(protein: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings of all ranks, in the order of the ranks, with gradient.

    Parameters:
        protein: (B, d)
        text: (B, d)

    Returns:
        two tensors of (B · ranks, d); without torch.distributed, the two given
    """
    if _world_size() == 1:
        return protein, text
    # Side by side, so that one collective does for both.
    both = _Gather.apply(torch.cat([protein, text], dim=1))
    return both.chunk(2, dim=1)


class _Gather(torch.autograd.Function):
    """All ranks' rows; backward, the sum over the ranks of the gradients at one's own rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        gathered = [torch.empty_like(rows) for _ in range(_world_size())]
        distributed.all_gather(gathered, rows.contiguous())
        return torch.cat(gathered)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        grad = grad.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(grad)
        return grad.chunk(_world_size())[_rank()]


def _world_size() -> int:
    in_group = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if in_group else 1


def _rank() -> int:
    return distributed.get_rank() if _world_size() > 1 else 0
