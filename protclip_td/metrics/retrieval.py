"""Retrieval among n pairs: does a protein find its biotext, and a biotext its protein?

Each query ranks all n candidates by cosine. Candidates whose text is the query's own text are all
correct, and the best of them counts:

    rank_i = 1 + number of wrong candidates as similar as the best correct one, or more

so ties go against the model, and embeddings that are all the same rank last, not first. R@k is
the share of ranks up to k, MRR the mean of 1 / rank.

Chance: if c of the n candidates are correct and the order is random, then

    P(rank > k) = ∏_{j=0}^{k−1} (n − c − j) / (n − j)

and R@k, MRR = Σ_r P(rank = r) / r and the median rank follow from its mean over the queries.
For c = 1: R@k = k / n and MRR = (1 + 1/2 + … + 1/n) / n.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from protclip_td.errors import InputError

# Two cosines this close are a tie: float32 does not tell them apart reliably.
TIE = 1e-6
# Similarities held at once, 32 MB of them.
CHUNK = 2**23


@torch.no_grad()
def retrieval_metrics(
    protein: Tensor, text: Tensor, text_group: Tensor | None = None
) -> dict[str, float]:
    """Retrieval in both directions, beside what chance would give.

    Parameters:
        protein: (n, d) protein embeddings
        text: (n, d) embeddings of their biotexts, row by row
        text_group: (n,) integers, equal where the texts are identical; without it all differ

    Returns:
        R@1, R@10, MRR and median rank under "protein-to-text …", "text-to-protein …" and
        "chance …", the latter for both directions alike

    Raises:
        InputError: if there is no pair or the shapes disagree

    Example::

        >>> metrics = retrieval_metrics(torch.eye(4), torch.eye(4))
        >>> metrics["protein-to-text R@1"], metrics["chance R@1"]
        (1.0, 0.25)
    """
    _check_shapes(protein, text, text_group)
    group = torch.arange(len(text)) if text_group is None else text_group
    group = group.to(protein.device)
    return {
        **_summary("protein-to-text", best_ranks(protein, text, group)),
        **_summary("text-to-protein", best_ranks(text, protein, group)),
        **_chance(group),
    }


def best_ranks(query: Tensor, candidate: Tensor, group: Tensor) -> Tensor:
    """Rank of the best correct candidate of each query, ties counted against it.

    Parameters:
        query: (n, d)
        candidate: (n, d)
        group: (n,) query i and candidate j belong together if their groups are equal

    Returns:
        (n,) ranks from 1
    """
    query, candidate = F.normalize(query.float(), dim=-1), F.normalize(candidate.float(), dim=-1)
    size = max(CHUNK // len(candidate), 1)
    found = [
        _ranks_of_chunk(rows @ candidate.T, own[:, None] == group)
        for rows, own in zip(query.split(size), group.split(size))
    ]
    return torch.cat(found)


def _ranks_of_chunk(similarity: Tensor, correct: Tensor) -> Tensor:
    best = similarity.where(correct, -torch.inf).amax(dim=1, keepdim=True)
    # All that is not clearly behind is ahead, so with NaN everything is ahead, not nothing.
    behind = (similarity < best - TIE).logical_or_(correct)
    return 1 + behind.shape[1] - behind.count_nonzero(dim=1)


def _summary(direction: str, rank: Tensor) -> dict[str, float]:
    return {
        f"{direction} R@1": (rank <= 1).double().mean().item(),
        f"{direction} R@10": (rank <= 10).double().mean().item(),
        f"{direction} MRR": rank.double().reciprocal().mean().item(),
        f"{direction} median rank": float(rank.median()),
    }


def _chance(group: Tensor) -> dict[str, float]:
    later = chance_beyond(group.unique(return_counts=True)[1].cpu())
    at = (later[:-1] - later[1:]).clamp(min=0)
    rank = torch.arange(1, len(later), dtype=torch.float64)
    return {
        "chance R@1": 1 - later[1].item(),
        "chance R@10": 1 - later[min(10, len(at))].item(),
        "chance MRR": (at / rank).sum().item(),
        # As torch.median: the lowest rank that half of the queries reach.
        "chance median rank": float((later > 0.5 + 1e-9).sum()),
    }


def chance_beyond(group_sizes: Tensor) -> Tensor:
    """Chance that a random order puts every correct candidate behind rank k.

    Parameters:
        group_sizes: number of pairs in each group of identical texts; they sum to n

    Returns:
        (n + 1,) for k = 0, …, n, mean over the queries

    Example::

        >>> chance_beyond(torch.tensor([1, 1]))
        tensor([1.0000, 0.5000, 0.0000], dtype=torch.float64)
    """
    total = int(group_sizes.sum())
    unseen = torch.arange(total, 0, -1, dtype=torch.float64)
    mean = torch.zeros(total + 1, dtype=torch.float64)
    for size, num_group in zip(*group_sizes.unique(return_counts=True)):
        beyond = ((unseen - size).clamp(min=0) / unseen).cumprod(0)
        mean += num_group * size / total * F.pad(beyond, (1, 0), value=1.0)
    return mean


def _check_shapes(protein: Tensor, text: Tensor, text_group: Tensor | None) -> None:
    if protein.dim() != 2 or protein.shape != text.shape or len(protein) == 0:
        raise InputError(
            "retrieval needs as many proteins as texts, at least one, in one space: (n, d) twice, "
            f"not {tuple(protein.shape)} and {tuple(text.shape)}"
        )
    if text_group is not None and text_group.shape != protein.shape[:1]:
        raise InputError(
            f"text_group must name one group per pair, shape ({len(protein)},), "
            f"not {tuple(text_group.shape)}"
        )
