"""The scale of both contrasts: limited, and trained on both sides of its limit."""

import math

import pytest
import torch

from protclip_td.losses.similarity import cosine_logits


def gradient_of_scale(value, sign):
    """Gradient at the logarithm of the scale, of a loss that falls (−1) or rises (1) with it."""
    scale = torch.tensor(value, requires_grad=True)
    row = torch.ones(1, 3)
    (sign * cosine_logits(row, row, scale).sum()).backward()
    return scale.grad.item()


@pytest.mark.parametrize(("value", "scale"), [(0.0, 1.0), (2.0, math.exp(2)), (9.0, 100.0)])
def test_scale_times_cosine_up_to_the_limit(value, scale):
    rows, columns = torch.randn(3, 4), torch.randn(5, 4)
    cosine = torch.nn.functional.cosine_similarity(rows[:, None], columns[None], dim=-1)
    torch.testing.assert_close(cosine_logits(rows, columns, torch.tensor(value)), scale * cosine)


def test_gradient_below_the_limit_is_the_scale():
    assert gradient_of_scale(2.0, 1) == pytest.approx(math.exp(2))
    assert gradient_of_scale(2.0, -1) == pytest.approx(-math.exp(2))


def test_beyond_the_limit_only_the_way_back_is_open():
    assert gradient_of_scale(5.0, 1) == pytest.approx(100)
    assert gradient_of_scale(5.0, -1) == 0


def test_a_scale_beyond_the_limit_comes_back():
    scale = torch.tensor(math.log(100) + 0.1, requires_grad=True)
    optimizer = torch.optim.SGD([scale], lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        cosine_logits(torch.ones(1, 3), torch.ones(1, 3), scale).sum().backward()
        optimizer.step()
    assert scale < math.log(100)
