"""Do embeddings lie as close as the proteins' functions do?"""

import torch
import torch.nn.functional as F
from torch import Tensor

from protclip_td.errors import InputError
from protclip_td.metrics.correlation import spearmanr

#: Similarities of two embeddings; the first one is PROBE's headline.
SIMILARITIES = ("manhattan", "cosine", "euclidean")


@torch.no_grad()
def embedding_similarities(feature: Tensor) -> dict[str, Tensor]:
    """Similarity of all pairs of embeddings, three ways.

    .. math::
        1 - \\frac{\\|a - b\\|_p}{\\|a\\|_p + \\|b\\|_p}

    with p = 1 (Manhattan) and p = 2 (Euclidean), and the cosine. Two embeddings of all zeros are
    equal by the former and unrelated by the cosine, as in PROBE.

    Parameters:
        feature: (n, d) embeddings

    Returns:
        (n, n) float64 by name

    Source: PROBE (Unsal et al., Nature Machine Intelligence 2022), semantic similarity inference.

    Example::

        >>> embedding_similarities(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))["manhattan"][0, 1]
        tensor(0.6667, dtype=torch.float64)
    """
    feature = feature.double()
    unit = F.normalize(feature, dim=1)
    return {
        "manhattan": _closeness(feature, 1),
        "cosine": unit @ unit.T,
        "euclidean": _closeness(feature, 2),
    }


def _closeness(feature: Tensor, p: int) -> Tensor:
    length = feature.norm(p=p, dim=1)
    # The other way of `cdist` goes through a product that does not give 0 for equal rows.
    distance = torch.cdist(feature, feature, p=p, compute_mode="donot_use_mm_for_euclid_dist")
    total = length[:, None] + length[None, :]
    return 1 - distance / total.where(total > 0, 1)


def similarity_correlation(feature: Tensor, similarity: Tensor) -> dict[str, float]:
    """Spearman's correlation of embedding similarity with functional similarity, over the pairs.

    Each pair counts once (j > i), if its functional similarity is known.

    Parameters:
        feature: (n, d) embeddings
        similarity: (n, n) functional similarity, NaN where unknown

    Returns:
        correlation by name of the similarity of embeddings

    Raises:
        InputError: fewer than two pairs are known, or the shapes disagree

    Example::

        >>> lin = torch.tensor([[1.0, 0.8, 0.1], [0.8, 1.0, 0.3], [0.1, 0.3, 1.0]])
        >>> feature = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> similarity_correlation(feature, lin)["manhattan"]  # of 2/3, 0 and 2/3
        0.866...
    """
    num = len(feature)
    if similarity.shape != (num, num):
        raise InputError(
            f"{num} embeddings need a table of {num} x {num} similarities, "
            f"not {tuple(similarity.shape)}"
        )
    pair = (~similarity.isnan()).triu(1)
    if int(pair.sum()) < 2:
        raise InputError(
            f"semantic similarity: {int(pair.sum())} pairs with a known similarity among {num} "
            "proteins; a correlation needs two or more"
        )
    known = similarity[pair].double()
    found = embedding_similarities(feature)
    return {name: float(spearmanr(found[name][pair], known)) for name in SIMILARITIES}
