"""Ranking of several right candidates against a slow ranking and scikit-learn."""

import pytest
import torch
from scipy.stats import rankdata
from sklearn import metrics as sklearn

from protclip_td.errors import InputError
from protclip_td.metrics import RankingSums, rank_positives, ranking_metrics

KS = (1, 3, 10)


def slow_metrics(score, positive):
    """Sort each query's candidates, wrong ones first among equals, and look where the right lie."""
    filtered, unfiltered, first, recall = [], [], [], {k: [] for k in KS}
    for row, right in zip(score.tolist(), positive.tolist()):
        ranking = [hit for _, hit in sorted(zip(row, right), key=lambda pair: (-pair[0], pair[1]))]
        places = [place for place, hit in enumerate(ranking, 1) if hit]
        if not places:
            continue
        unfiltered += places
        filtered += [1 + sum(not hit for hit in ranking[:place]) for place in places]
        first.append(places[0])
        for k in KS:
            recall[k].append(sum(ranking[:k]) / len(places))
    mean = lambda values: sum(values) / len(values)  # noqa: E731
    return {
        "mrr filtered": mean([1 / rank for rank in filtered]),
        "mrr unfiltered": mean([1 / rank for rank in unfiltered]),
        "mrr first hit": mean([1 / rank for rank in first]),
        **{f"recall@{k}": mean(recall[k]) for k in KS},
    }


@pytest.mark.parametrize("kind", ["random", "ties", "constant"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (20, 5), (30, 40)])
def test_against_slow_ranking(kind, shape):
    score, positive = torch.randn(shape), torch.rand(shape) < 0.2
    score = {"random": score, "ties": score.round(), "constant": score * 0}[kind]
    positive[0, -1] = True
    assert ranking_metrics(score, positive, KS) == pytest.approx(slow_metrics(score, positive))


@pytest.mark.parametrize("decimals", [0, 6])
def test_one_right_candidate_is_what_scikit_learn_and_scipy_rank(decimals):
    score = torch.randn(50, 12).round(decimals=decimals)
    right = torch.randint(12, (50,))
    positive = torch.nn.functional.one_hot(right, 12).bool()
    metrics = ranking_metrics(score, positive, ks=(1, 3))
    ranks = [rankdata(-row, "max")[i] for row, i in zip(score.numpy(), right)]
    assert rank_positives(score, positive).unfiltered.tolist() == ranks
    mrr = sklearn.label_ranking_average_precision_score(positive, score)
    for name in ("mrr filtered", "mrr unfiltered", "mrr first hit"):
        assert metrics[name] == pytest.approx(mrr)
    if decimals == 6:  # nothing is equal
        top3 = sklearn.top_k_accuracy_score(right, score, k=3, labels=range(12))
        assert metrics["recall@3"] == pytest.approx(top3)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_constant_scores_rank_last(value):
    positive = torch.eye(20).bool()
    metrics = ranking_metrics(torch.full((20, 20), value), positive)
    assert metrics["mrr filtered"] == pytest.approx(1 / 20)
    assert metrics["recall@10"] == 0


def test_nan_among_numbers_counts_against_the_model():
    score = torch.tensor([[float("nan"), 0.1, -5.0], [0.9, float("nan"), 0.1]])
    positive = torch.tensor([[True, False, False], [True, False, False]])
    assert rank_positives(score, positive).filtered.tolist() == [3, 2]


def test_all_candidates_right_and_none_right():
    positive = torch.tensor([[True, True], [False, False]])
    metrics = ranking_metrics(torch.randn(2, 2), positive, ks=(1,))
    assert metrics == {"mrr filtered": 1, "mrr unfiltered": 0.75, "mrr first hit": 1,
                       "recall@1": 0.5}  # fmt: skip


def test_chunks_give_the_same():
    score, positive = torch.randn(30, 9), torch.rand(30, 9) < 0.3
    sums = RankingSums(KS)
    for chunk in (slice(0, 7), slice(7, 8), slice(8, 30)):
        sums.add(score[chunk], positive[chunk])
    assert sums.metrics() == pytest.approx(ranking_metrics(score, positive, KS))


def test_nothing_to_rank():
    with pytest.raises(InputError, match="no query has a right candidate"):
        ranking_metrics(torch.randn(2, 3), torch.zeros(2, 3).bool())
    with pytest.raises(InputError, match="no query has a right candidate"):
        ranking_metrics(torch.randn(2, 0), torch.zeros(2, 0).bool())


@pytest.mark.parametrize("positive", [torch.zeros(2, 4).bool(), torch.zeros(2, 3), torch.zeros(2)])
def test_shapes_and_types(positive):
    with pytest.raises(InputError, match=r"ranking needs scores \(n, m\) and bool of the same"):
        ranking_metrics(torch.randn(2, 3), positive)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4)])
def test_scores_that_are_no_table(shape):
    with pytest.raises(InputError, match=r"ranking needs scores \(n, m\) and bool of the same"):
        ranking_metrics(torch.randn(shape), torch.ones(shape).bool())


@pytest.mark.parametrize("ks", [(), (0, 1)])
def test_cut_offs(ks):
    with pytest.raises(InputError, match=r"ks: .* expected cut-offs such as \[1, 10\]"):
        ranking_metrics(torch.randn(2, 3), torch.ones(2, 3).bool(), ks)
