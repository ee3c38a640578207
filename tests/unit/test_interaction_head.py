"""The head of GNN-PPI: sums over neighbours, and what reaches a pair."""

import numpy as np
import pytest
import torch

from protclip_td.tasks.multi_label_interaction_gin import InteractionHead, Neighbours

PAIRS = np.array([[0, 1], [1, 2], [3, 1], [4, 5]])


def slow_sum(feature, pairs):
    result = torch.zeros_like(feature)
    for first, second in pairs.tolist():
        result[first] += feature[second]
        result[second] += feature[first]
    return result


def test_sum_and_its_gradient():
    feature = torch.randn(7, 3, requires_grad=True)
    weight = torch.randn(7, 3)
    found = Neighbours(PAIRS, 7).sum(feature)
    expected = slow_sum(feature, PAIRS)
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad((found * weight).sum(), feature)
    (right,) = torch.autograd.grad((expected * weight).sum(), feature)
    torch.testing.assert_close(gradient, right)


def test_no_pair_no_neighbours():
    empty = np.empty((0, 2), dtype=np.int64)
    assert Neighbours(empty, 3).sum(torch.ones(3, 2)).abs().sum() == 0


def test_messages_keep_float32_under_autocast():
    feature = torch.randn(7, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(Neighbours(PAIRS, 7).sum(feature), slow_sum(feature, PAIRS))


def test_layers_as_written():
    torch.manual_seed(0)
    head = InteractionHead(5, 7, node_dim=4, hidden_dim=6).eval()
    assert head.epsilon == 0
    head.epsilon.data.fill_(0.3)
    vectors = torch.randn(7, 5)
    pair = head(head.encode(vectors, Neighbours(PAIRS, 7)), torch.tensor([0]), torch.tensor([2]))
    x = vectors @ head.input.weight.T + head.input.bias
    first, second, norm = (layer for layer in head.convolution if list(layer.parameters()))
    x = 1.3 * x + slow_sum(x, PAIRS)
    for layer in (first, second):
        x = torch.relu(x @ layer.weight.T + layer.bias)
    x = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt() * norm.weight + norm.bias
    x = torch.relu(x @ head.first.weight.T + head.first.bias) @ head.second.weight.T
    x = x + head.second.bias
    torch.testing.assert_close(pair[0], (x[0] * x[2]) @ head.output.weight.T + head.output.bias)


def test_dropout_in_training_stands_between_the_two_linear_layers():
    """Where all is dropped, only what comes after it is left: the second one's bias."""
    head = InteractionHead(5, 7, dropout=1.0)
    pair = head(torch.randn(4, 512), torch.tensor([0, 1]), torch.tensor([3, 2]))
    expected = head.output(head.second.bias**2)
    torch.testing.assert_close(pair, expected.expand(2, -1))


def test_the_order_of_a_pair_does_not_matter():
    head = InteractionHead(5, 7).eval()
    encoded = torch.randn(4, 512)
    first, second = torch.tensor([0, 1]), torch.tensor([3, 2])
    assert torch.equal(head(encoded, first, second), head(encoded, second, first))


@pytest.mark.parametrize("node", [4, 6])
def test_messages_come_from_neighbours_alone(node):
    """But for batch normalisation, whose statistics are all proteins', only 0, 2 and 3 reach 1."""
    head = InteractionHead(5, 7).eval()
    head.convolution[-1] = torch.nn.Identity()
    vectors = torch.randn(7, 5, requires_grad=True)
    encoded = head.encode(vectors, Neighbours(PAIRS, 7))
    (gradient,) = torch.autograd.grad(encoded[1].sum(), vectors)
    assert gradient[[0, 1, 2, 3]].abs().sum(1).min() > 0
    assert gradient[node].abs().sum() == 0
