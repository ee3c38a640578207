"""The heads against their formulas."""

import math

import torch

from protclip_td.models.heads import BiotextAttention, Projection, PropertyBank, ResidueHead


def test_projection_is_linear_relu_linear():
    head, states = Projection(6, 4), torch.randn(5, 6)
    inner = (states @ head[0].weight.T + head[0].bias).clamp(min=0)
    torch.testing.assert_close(head(states), inner @ head[2].weight.T + head[2].bias)


def test_residue_head_is_linear_gelu_layernorm_linear():
    head, states = ResidueHead(6, 4), torch.randn(5, 6)
    torch.nn.init.normal_(head[2].weight)
    torch.nn.init.normal_(head[2].bias)
    inner = states @ head[0].weight.T + head[0].bias
    inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
    inner = inner - inner.mean(dim=1, keepdim=True)
    inner = inner / (inner.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    inner = inner * head[2].weight + head[2].bias
    logits = head(states)
    assert logits.shape == (5, 33)
    torch.testing.assert_close(logits, inner @ head[3].weight.T + head[3].bias)


def test_attention_asks_with_residues_and_answers_with_text():
    heads, residues, text = BiotextAttention(4), torch.randn(3, 4), torch.randn(7, 4)
    query, key, value = heads(residues, text)
    torch.testing.assert_close(query, residues @ heads.query.weight.T + heads.query.bias)
    torch.testing.assert_close(key, text @ heads.key.weight.T + heads.key.bias)
    torch.testing.assert_close(value, text @ heads.value.weight.T + heads.value.bias)


def test_bank_gives_its_trained_prototypes():
    bank = PropertyBank(8, 4)
    assert bank() is bank.prototype.weight
    assert bank().shape == (8, 4)
    assert bank().requires_grad
