"""Retrieval against slow rankings, chance against all orders."""

import itertools
import statistics

import pytest
import torch

from protclip_td.errors import InputError
from protclip_td.metrics import retrieval, retrieval_metrics

DIRECTIONS = ("protein-to-text", "text-to-protein")
MEASURES = ("R@1", "R@10", "MRR", "median rank")


def slow_ranks(query, candidate, group):
    """Sort all candidates of each query, wrong ones first among equals; find the first correct."""
    ranks = []
    for i in range(len(query)):
        keys = []
        for j in range(len(candidate)):
            cosine = torch.cosine_similarity(query[i], candidate[j], dim=0).item()
            keys.append((-round(cosine, 5), group[j] == group[i]))
        ranks.append(1 + [correct for _, correct in sorted(keys)].index(True))
    return ranks


def slow_measures(ranks):
    return {
        "R@1": sum(rank <= 1 for rank in ranks) / len(ranks),
        "R@10": sum(rank <= 10 for rank in ranks) / len(ranks),
        "MRR": sum(1 / rank for rank in ranks) / len(ranks),
        "median rank": statistics.median_low(ranks),
    }


@pytest.mark.parametrize("group", [None, [0, 0, 1, 2, 2, 2], [0] * 6, [5, 4, 3, 2, 1, 0]])
@pytest.mark.parametrize("repeats", [1, 4])
def test_against_slow_ranking(group, repeats):
    n = 6 * repeats
    group = None if group is None else [g + 10 * r for r in range(repeats) for g in group]
    protein, text = torch.randn(n, 4), torch.randn(n, 4)
    # Some proteins and texts tie with each other.
    protein[1], text[2] = protein[0], text[3]
    metrics = retrieval_metrics(protein, text, group and torch.tensor(group))
    group = group or list(range(n))
    for direction, pair in zip(DIRECTIONS, [(protein, text), (text, protein)]):
        expected = slow_measures(slow_ranks(*pair, group))
        ours = {measure: metrics[f"{direction} {measure}"] for measure in MEASURES}
        assert ours == pytest.approx(expected)


@pytest.mark.parametrize(
    "group", [[0, 1], [0, 1, 2, 3, 4], [0, 0, 1, 2, 2], [0, 0, 0, 0], [0, 0, 0, 1]]
)
def test_chance_over_all_orders(group):
    n = len(group)
    ranks = [
        next(place for place, j in enumerate(order, 1) if group[j] == group[i])
        for order in itertools.permutations(range(n))
        for i in range(n)
    ]
    metrics = retrieval_metrics(torch.randn(n, 3), torch.randn(n, 3), torch.tensor(group))
    chance = {measure: metrics[f"chance {measure}"] for measure in MEASURES}
    assert chance == pytest.approx(slow_measures(ranks))


def test_chance_of_many_pairs():
    metrics = retrieval_metrics(torch.randn(500, 3), torch.randn(500, 3))
    assert metrics["chance R@1"] == pytest.approx(1 / 500)
    assert metrics["chance R@10"] == pytest.approx(10 / 500)
    assert metrics["chance MRR"] == pytest.approx(sum(1 / r for r in range(1, 501)) / 500)
    assert metrics["chance median rank"] == 250


@pytest.mark.parametrize("value", [0.0, 1.0, float("nan")])
def test_collapsed_embeddings_rank_last(value):
    same = torch.full((20, 8), value)
    metrics = retrieval_metrics(same, same)
    for direction in DIRECTIONS:
        assert metrics[f"{direction} R@10"] == 0
        assert metrics[f"{direction} median rank"] == 20


def test_rounding_is_no_ranking():
    """Apart by 1e-7 in the cosine, about one unit in float32's last place."""
    collapsed = torch.randn(1, 64) + 3e-4 * torch.randn(50, 64)
    assert retrieval_metrics(collapsed, collapsed)["protein-to-text R@1"] == 0


def test_perfect_embeddings_and_duplicates():
    text = torch.eye(12)[[0, 0, 0, *range(1, 10)]]
    group = torch.tensor([0, 0, 0, *range(1, 10)])
    assert retrieval_metrics(text, text, group)["text-to-protein R@1"] == 1
    # Without the groups the three copies hide each other.
    assert retrieval_metrics(text, text)["text-to-protein R@1"] == 0.75


def test_chunks_do_not_matter(monkeypatch):
    protein, text, group = torch.randn(30, 5), torch.randn(30, 5), torch.randint(9, (30,))
    whole = retrieval_metrics(protein, text, group)
    monkeypatch.setattr(retrieval, "CHUNK", 70)
    assert retrieval_metrics(protein, text, group) == whole


def test_half_precision_and_gradient_leave_no_trace():
    protein = torch.randn(8, 5, dtype=torch.bfloat16, requires_grad=True)
    metrics = retrieval_metrics(protein, protein)
    assert metrics["protein-to-text MRR"] == 1
    assert all(type(value) is float for value in metrics.values())
    assert list(metrics) == [f"{d} {m}" for d in (*DIRECTIONS, "chance") for m in MEASURES]


@pytest.mark.parametrize(
    "shapes", [((3, 4), (2, 4)), ((3, 4), (3, 5)), ((0, 4), (0, 4)), ((4,), (4,))]
)
def test_shapes_disagree(shapes):
    with pytest.raises(InputError, match="as many proteins as texts, at least one, in one space"):
        retrieval_metrics(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_groups_disagree():
    with pytest.raises(InputError, match=r"one group per pair, shape \(3,\), not \(2,\)"):
        retrieval_metrics(torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(2))
