"""Similarities of embeddings pair by pair, against SciPy and scikit-learn."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial import distance
from sklearn.metrics.pairwise import cosine_similarity

from protclip_td.errors import InputError
from protclip_td.metrics import embedding_similarities, similarity_correlation


def slow_similarities(a, b):
    """PROBE's formulas for one pair."""
    zero = not a.any() and not b.any()
    return {
        "manhattan": 1.0 if zero else 1 - distance.cityblock(a, b) / (abs(a).sum() + abs(b).sum()),
        "cosine": cosine_similarity(a[None], b[None]).item(),
        "euclidean": 1.0
        if zero
        else 1 - distance.euclidean(a, b) / (np.linalg.norm(a) + np.linalg.norm(b)),
    }


@pytest.mark.parametrize("num_zero", [0, 1, 2])
def test_similarities_pair_by_pair(num_zero):
    feature = torch.randn(6, 5)
    feature[:num_zero] = 0
    feature[5] = feature[4]
    found = embedding_similarities(feature)
    for i in range(6):
        for j in range(6):
            expected = slow_similarities(feature[i].double().numpy(), feature[j].double().numpy())
            ours = {name: table[i, j].item() for name, table in found.items()}
            assert ours == pytest.approx(expected)


def test_equal_embeddings_are_equal_to_the_last_bit():
    feature = torch.randn(1, 320).expand(60, 320)
    found = embedding_similarities(feature)
    assert (found["euclidean"] == 1).all()
    assert (found["manhattan"] == 1).all()


def test_correlation_over_known_pairs():
    feature, similarity = torch.randn(12, 4), torch.rand(12, 12)
    similarity = (similarity + similarity.T) / 2
    unknown = torch.rand(12, 12) < 0.3
    similarity[unknown | unknown.T] = float("nan")
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12) if not similarity[i, j].isnan()]
    rows = [slow_similarities(feature[i].numpy(), feature[j].numpy()) for i, j in pairs]
    known = [similarity[i, j].item() for i, j in pairs]
    expected = {
        name: stats.spearmanr([row[name] for row in rows], known).statistic for name in rows[0]
    }
    assert similarity_correlation(feature, similarity) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("also_known", [(0, 0), (1, 0)])
def test_too_few_pairs(also_known):
    """A protein with itself is no pair, and a pair is one, whichever way round."""
    similarity = torch.full((3, 3), float("nan"))
    similarity[0, 1] = similarity[also_known] = 0.5
    with pytest.raises(InputError, match="1 pairs with a known similarity among 3 proteins"):
        similarity_correlation(torch.randn(3, 2), similarity)


def test_two_pairs_are_enough():
    """Of (0, 1), which are equal, and (0, 2), which are not, Lin's similarity prefers the first."""
    feature = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    similarity = torch.full((3, 3), float("nan"))
    similarity[0, 1], similarity[0, 2] = 0.9, 0.2
    found = similarity_correlation(feature, similarity)
    assert found == pytest.approx({"manhattan": 1, "cosine": 1, "euclidean": 1})


def test_table_of_another_size():
    with pytest.raises(InputError, match=r"3 embeddings need a table of 3 x 3 .*not \(4, 4\)"):
        similarity_correlation(torch.randn(3, 2), torch.rand(4, 4))
