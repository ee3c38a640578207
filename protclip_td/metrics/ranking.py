"""Ranking of many candidates of which several can be right: MRR filtered and not, recall@k.

A row is a query (a head), a column a candidate (a tail). Candidates are ranked by score, and a
wrong one stands before a right one of the same score, so that constant scores rank last, not
first; NaN counts against the model, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from protclip_td.errors import InputError


class Ranks(NamedTuple):
    """Ranks from 1.

    Parameters:
        filtered: (P,) of each right candidate among the wrong ones
        unfiltered: (P,) of each right candidate among all
        first: (n,) of the best right candidate of each query that has one
        recall: (n, K) share of such a query's right candidates among the first k, for each k
    """

    filtered: Tensor
    unfiltered: Tensor
    first: Tensor
    recall: Tensor


@torch.no_grad()
def rank_positives(score: Tensor, positive: Tensor, ks: Sequence[int] = (1, 3, 10)) -> Ranks:
    """Rank the right candidates of each query.

    Parameters:
        score: (n, m) the higher, the better
        positive: (n, m) bool, the right candidates
        ks: cut-offs of recall

    Returns:
        ranks, queries without a right candidate left out

    Raises:
        InputError: the shapes differ, or a cut-off is no positive number

    Example::

        >>> ranks = rank_positives(torch.tensor([[0.9, 0.8, 0.7]]), torch.tensor([[1, 0, 1]]) > 0)
        >>> ranks.filtered, ranks.unfiltered, ranks.first
        (tensor([1, 2]), tensor([1, 3]), tensor([1]))
    """
    _check(score, positive, ks)
    rows = positive.any(dim=1)
    hit = _in_ranked_order(score[rows], positive[rows])
    place = torch.arange(1, hit.shape[1] + 1, device=hit.device).expand_as(hit)
    found = hit.cumsum(1)
    return Ranks(
        filtered=(1 + place - found)[hit],  # a right one is not ahead of itself
        unfiltered=place[hit],
        first=1 + (found == 0).sum(1),
        recall=torch.stack([hit[:, :k].sum(1) / hit.sum(1) for k in ks], dim=1),
    )


def _in_ranked_order(score: Tensor, positive: Tensor) -> Tensor:
    """Which places of the ranking are right: (n, m) bool, wrong ones first among equals."""
    worst = torch.where(positive, -torch.inf, torch.inf).to(score)
    score = torch.where(score.isnan(), worst, score)
    wrong_first = positive.to(torch.uint8).argsort(dim=1, stable=True)
    order = score.gather(1, wrong_first).argsort(dim=1, descending=True, stable=True)
    return positive.gather(1, wrong_first.gather(1, order))


class RankingSums:
    """Ranking metrics over more queries than fit into one table of scores.

    Parameters:
        ks: cut-offs of recall@k

    Example::

        >>> sums = RankingSums(ks=(1,))
        >>> for query in range(4):  # each the best for itself
        ...     sums.add(torch.eye(4)[[query]], torch.eye(4)[[query]] > 0)
        >>> sums.metrics()["mrr filtered"]
        1.0
    """

    def __init__(self, ks: Sequence[int] = (1, 3, 10)) -> None:
        self.ks = tuple(ks)
        self.num_positive = 0
        self.num_query = 0
        self.sums: dict[str, float] = {}

    def add(self, score: Tensor, positive: Tensor) -> None:
        """Take in some queries: scores (n, m), and which candidates are right, (n, m) bool."""
        ranks = rank_positives(score, positive, self.ks)
        self.num_positive += len(ranks.filtered)
        self.num_query += len(ranks.first)
        self._add("mrr filtered", ranks.filtered.double().reciprocal())
        self._add("mrr unfiltered", ranks.unfiltered.double().reciprocal())
        self._add("mrr first hit", ranks.first.double().reciprocal())
        for i, k in enumerate(self.ks):
            self._add(f"recall@{k}", ranks.recall[:, i].double())

    def _add(self, name: str, values: Tensor) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + float(values.sum())

    def metrics(self) -> dict[str, float]:
        """The means: of the first two over the right candidates, of the others over the queries.

        Raises:
            InputError: no query had a right candidate
        """
        if self.num_positive == 0:
            raise InputError("ranking: no query has a right candidate, so there is nothing to rank")
        per_positive = ("mrr filtered", "mrr unfiltered")
        return {
            name: value / (self.num_positive if name in per_positive else self.num_query)
            for name, value in self.sums.items()
        }


def ranking_metrics(
    score: Tensor, positive: Tensor, ks: Sequence[int] = (1, 3, 10)
) -> dict[str, float]:
    """MRR and recall of a ranking of candidates of which several can be right.

    Parameters:
        score: (n, m) scores of m candidates for n queries
        positive: (n, m) bool, the right candidates; queries without any do not count
        ks: cut-offs

    Returns:
        ``mrr filtered``: mean over the right candidates of 1 / rank, the query's other right ones
        left out; ``mrr unfiltered``: they are not; ``mrr first hit``: of the best one, mean over
        the queries; ``recall@k``: share of a query's right candidates among its first k, mean over
        the queries

    Raises:
        InputError: no query has a right candidate, or shapes or cut-offs are wrong

    Example::

        >>> score, positive = torch.tensor([[0.9, 0.8, 0.7]]), torch.tensor([[True, False, True]])
        >>> ranking_metrics(score, positive)["mrr filtered"]  # (1 / 1 + 1 / 2) / 2
        0.75
    """
    sums = RankingSums(ks)
    sums.add(score, positive)
    return sums.metrics()


def _check(score: Tensor, positive: Tensor, ks: Sequence[int]) -> None:
    if score.dim() != 2 or score.shape != positive.shape or positive.dtype != torch.bool:
        raise InputError(
            "ranking needs scores (n, m) and bool of the same shape, not "
            f"{tuple(score.shape)} and {positive.dtype} {tuple(positive.shape)}"
        )
    if not ks or min(ks) < 1:
        raise InputError(f"ks: {list(ks)} given; expected cut-offs such as [1, 10]")
