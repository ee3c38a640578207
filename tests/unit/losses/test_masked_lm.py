"""Cross-entropy at the masked residues against the formula."""

import math

import pytest
import torch

from protclip_td.losses.masked_lm import masked_residue_loss


def slow_cross_entropy(logits, target):
    """The formula, residue by residue."""
    loss = 0.0
    for row, token in zip(logits.tolist(), target.tolist()):
        partition = sum(math.exp(logit) for logit in row)
        loss -= math.log(math.exp(row[token]) / partition) / len(target)
    return loss


@pytest.mark.parametrize("size", [(1, 33), (7, 33), (50, 33), (4, 2)])
def test_formula(size):
    logits, target = 3 * torch.randn(size), torch.randint(size[1], size[:1])
    loss = masked_residue_loss(logits, target)
    assert loss.item() == pytest.approx(slow_cross_entropy(logits, target), rel=1e-5)


def test_nothing_masked_is_zero_with_gradient():
    hidden = torch.randn(9, 4, requires_grad=True)
    nowhere = torch.zeros(9, dtype=torch.bool)
    loss = masked_residue_loss(hidden[nowhere], torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss == 0
    assert torch.equal(hidden.grad, torch.zeros(9, 4))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_always_in_float32(dtype):
    logits, target = torch.randn(5, 33).to(dtype), torch.randint(33, (5,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = masked_residue_loss(logits, target)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, masked_residue_loss(logits.float(), target))
