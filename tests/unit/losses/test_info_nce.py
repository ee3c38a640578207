"""InfoNCE against its formula, term by term."""

import math

import pytest
import torch

from protclip_td.losses.info_nce import info_nce_loss


def slow_info_nce(query, key, negative, is_there, temperature):
    """The formula, query by query."""

    def cosine(a, b):
        return float((a * b).sum() / (a.norm() * b.norm()))

    losses = []
    for i in range(len(query)):
        right = math.exp(cosine(query[i], key[i]) / temperature)
        wrong = [
            math.exp(cosine(query[i], negative[i, j]) / temperature)
            for j in range(negative.shape[1])
            if is_there[i, j]
        ]
        losses.append(-math.log(right / (right + sum(wrong))))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("shape", [(1, 1, 2), (3, 5, 4), (8, 2, 16)])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_formula(shape, temperature):
    size, num_negative, dim = shape
    query, key = torch.randn(size, dim), torch.randn(size, dim)
    negative = torch.randn(size, num_negative, dim)
    is_there = torch.rand(size, num_negative) < 0.7
    loss = info_nce_loss(query, key, negative, is_there, temperature=temperature)
    expected = slow_info_nce(query, key, negative, is_there, temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_absent_negatives_change_nothing():
    query, key, negative = torch.randn(2, 3), torch.randn(2, 3), torch.randn(2, 2, 3)
    is_there = torch.tensor([[True, False], [False, False]])
    loss = info_nce_loss(query, key, negative, is_there)
    negative[:, 1] = 7.0
    assert torch.equal(info_nce_loss(query, key, negative, is_there), loss)
    alone = info_nce_loss(query[1:], key[1:], negative[1:], is_there[1:])
    assert alone == 0


def test_gradient_is_finite_and_reaches_all():
    leaves = [torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 2, 4)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    is_there = torch.tensor([[True, True], [True, False], [False, False]])
    info_nce_loss(*leaves, is_there).backward()
    for leaf in leaves:
        assert leaf.grad.isfinite().all()
    assert leaves[2].grad[0].abs().sum() > 0
    assert leaves[2].grad[2].abs().sum() == 0
