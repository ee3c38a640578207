"""Attention of masked residues to their own biotext, against the formula."""

import math

import pytest
import torch

from protclip_td.losses.packed import owners
from protclip_td.losses.reconstruction import add_and_normalise, attend_to_biotext


def slow_attention(query, query_owner, key, value, text_sizes):
    """The formula, residue by residue and token by token."""
    starts = [sum(text_sizes[:i]) for i in range(len(text_sizes))]
    attended = []
    for row, owner in zip(query, query_owner):
        tokens = range(starts[owner], starts[owner] + text_sizes[owner])
        weights = [math.exp((row * key[t]).sum() / math.sqrt(len(row))) for t in tokens]
        mixed = sum(weight * value[t] for weight, t in zip(weights, tokens))
        attended.append(mixed / sum(weights))
    return torch.stack(attended)


def make_inputs(masked, text_sizes, width):
    query_owner = owners(torch.tensor(masked))
    num_token = sum(text_sizes)
    query = torch.randn(len(query_owner), width)
    key, value = torch.randn(num_token, width), torch.randn(num_token, width)
    return query, query_owner, key, value, torch.tensor(text_sizes)


@pytest.mark.parametrize(
    ("masked", "text_sizes"),
    [([1], [1]), ([3], [5]), ([2, 4], [7, 1]), ([5, 0, 3], [2, 9, 4])],
)
@pytest.mark.parametrize("width", [1, 4, 16])
def test_formula(masked, text_sizes, width):
    query, owner, key, value, sizes = make_inputs(masked, text_sizes, width)
    attended = attend_to_biotext(query, owner, key, value, sizes)
    expected = slow_attention(query, owner.tolist(), key, value, text_sizes)
    torch.testing.assert_close(attended, expected, rtol=1e-5, atol=1e-5)


def test_queries_in_any_order():
    query, owner, key, value, sizes = make_inputs([3, 2, 4], [2, 5, 3], 8)
    order = torch.randperm(9)
    attended = attend_to_biotext(query, owner, key, value, sizes)
    shuffled = attend_to_biotext(query[order], owner[order], key, value, sizes)
    torch.testing.assert_close(shuffled, attended[order])


def test_other_proteins_do_not_matter():
    query, owner, key, value, sizes = make_inputs([3, 2], [4, 20], 8)
    alone = attend_to_biotext(query[:3], owner[:3], key[:4], value[:4], sizes[:1])
    packed = attend_to_biotext(query, owner, key, value, sizes)
    torch.testing.assert_close(packed[:3], alone)
    key[4:] += 100
    value[4:] -= 100
    torch.testing.assert_close(attend_to_biotext(query, owner, key, value, sizes)[:3], alone)


def test_order_of_tokens_does_not_matter():
    query, owner, key, value, sizes = make_inputs([3], [6], 8)
    order = torch.randperm(6)
    torch.testing.assert_close(
        attend_to_biotext(query, owner, key[order], value[order], sizes),
        attend_to_biotext(query, owner, key, value, sizes),
    )


def test_gradient_reaches_query_key_and_value():
    query, owner, key, value, sizes = make_inputs([3, 0, 2], [4, 6, 5], 8)
    residue = torch.randn(5, 8)
    leaves = [leaf.requires_grad_() for leaf in (query, key, value, residue)]
    attended = attend_to_biotext(query, owner, key, value, sizes)
    (add_and_normalise(residue, attended) * torch.randn(5, 8)).sum().backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)
    unread = slice(4, 10)
    for leaf in (key, value):
        assert not leaf.grad[unread].any()
        assert (leaf.grad[:4] != 0).all()
        assert (leaf.grad[10:] != 0).all()
    assert (query.grad != 0).all()
    assert (residue.grad != 0).all()


def test_biotext_without_token_adds_nothing():
    query, owner, key, value, sizes = make_inputs([2, 3], [0, 4], 8)
    query.requires_grad_()
    attended = attend_to_biotext(query, owner, key, value, sizes)
    attended.sum().backward()
    assert not attended[:2].any()
    assert attended[2:].all()
    assert query.grad.isfinite().all()


def test_nothing_masked():
    query, owner, key, value, sizes = make_inputs([0, 0], [2, 3], 8)
    assert attend_to_biotext(query, owner, key, value, sizes).shape == (0, 8)


def test_add_and_normalise_formula():
    residue, attended = torch.randn(4, 16), torch.randn(4, 16)
    total = residue + attended
    deviation = total.var(dim=1, keepdim=True, correction=0).add(1e-5).sqrt()
    expected = (total - total.mean(dim=1, keepdim=True)) / deviation
    torch.testing.assert_close(add_and_normalise(residue, attended), expected)


def test_add_and_normalise_in_float32():
    half = [torch.randn(4, 16).bfloat16() for _ in range(2)]
    normalised = add_and_normalise(*half)
    assert normalised.dtype == torch.float32
    assert torch.equal(normalised, add_and_normalise(*(tensor.float() for tensor in half)))


def test_always_in_float32():
    query, owner, key, value, sizes = make_inputs([3, 2], [4, 6], 32)
    half = [tensor.bfloat16() for tensor in (query, key, value)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        attended = attend_to_biotext(half[0], owner, half[1], half[2], sizes)
    query, key, value = (tensor.float() for tensor in half)
    assert attended.dtype == torch.float32
    assert torch.equal(attended, attend_to_biotext(query, owner, key, value, sizes))
