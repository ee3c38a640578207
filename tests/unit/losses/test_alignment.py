"""Dynamic segment alignment against the formula, and what must not change it."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from protclip_td.errors import InputError
from protclip_td.losses.alignment import (
    alignment_loss,
    gumbel_noise,
    property_prototypes,
    segment_weights,
)
from protclip_td.losses.packed import owners


@dataclass
class Batch:
    """Arguments of the loss, for proteins of these sizes with so many properties each."""

    residue: Tensor
    sizes: Tensor
    property_text: Tensor
    property_owner: Tensor
    prototypes: Tensor
    logit_scale: Tensor
    noise: Tensor | None = None

    def loss(self, **options):
        return alignment_loss(
            self.residue,
            self.sizes,
            self.property_text,
            self.property_owner,
            self.prototypes,
            self.logit_scale,
            noise=self.noise,
            **options,
        )

    def leaves(self):
        return [self.residue, self.property_text, self.prototypes, self.logit_scale]


def make_batch(sizes, counts, width=6, num_prototype=10, noisy=True):
    noise = gumbel_noise((sum(counts), num_prototype), torch.Generator().manual_seed(3))
    return Batch(
        residue=torch.randn(sum(sizes), width, requires_grad=True),
        sizes=torch.tensor(sizes),
        property_text=torch.randn(sum(counts), width, requires_grad=True),
        property_owner=owners(torch.tensor(counts)),
        prototypes=torch.randn(num_prototype, width, requires_grad=True),
        logit_scale=torch.tensor(math.log(1 / 0.1), requires_grad=True),
        noise=noise if noisy else None,
    )


def slow_prototype(batch, k, temperature):
    """Step 2: q_k."""
    affinity = []
    for j, row in enumerate(batch.prototypes):
        noise = 0.0 if batch.noise is None else batch.noise[k, j].item()
        affinity.append(((batch.property_text[k] * row).sum() + noise) / temperature)
    partition = sum(value.exp() for value in affinity)
    return sum(value.exp() / partition * row for value, row in zip(affinity, batch.prototypes))


def slow_segment(prototype, rows, threshold):
    """Steps 3 and 4: g_k."""
    scores = [(prototype * row).sum() for row in rows]
    low, high = min(scores), max(scores)
    scaled = [(score - low) / (high - low) for score in scores]
    kept = [score if score >= threshold else torch.zeros(()) for score in scaled]
    return sum(weight / sum(kept) * row for weight, row in zip(kept, rows))


def slow_alignment(batch, temperature=0.9, threshold=0.3):
    """The formula, protein by protein, property by property, residue by residue."""
    per_protein, start = [], 0
    for i, size in enumerate(batch.sizes.tolist()):
        rows = batch.residue[start : start + size]
        start += size
        own = [k for k, owner in enumerate(batch.property_owner.tolist()) if owner == i]
        if len(own) < 2:
            continue
        q = [slow_prototype(batch, k, temperature) for k in own]
        g = [slow_segment(prototype, rows, threshold) for prototype in q]
        cosine = torch.stack(
            [torch.stack([(a / a.norm() * b / b.norm()).sum() for b in q]) for a in g]
        )
        logits = batch.logit_scale.exp() * cosine
        terms = []
        for k in range(len(own)):
            forth = -(logits[k, k] - logits[k, :].exp().sum().log())
            back = -(logits[k, k] - logits[:, k].exp().sum().log())
            terms.append((forth + back) / 2)
        per_protein.append(sum(terms) / len(terms))
    return sum(per_protein) / len(per_protein)


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [([5], [2]), ([2, 9], [4, 3]), ([7, 3, 12], [2, 1, 4]), ([4, 6, 5, 8], [3, 0, 2, 4])],
)
@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize(
    ("temperature", "threshold"), [(0.9, 0.3), (0.5, 0.0), (2.0, 0.6), (0.9, 1.0)]
)
def test_formula_and_its_gradient(sizes, counts, noisy, temperature, threshold):
    batch = make_batch(sizes, counts, noisy=noisy)
    loss = batch.loss(temperature=temperature, threshold=threshold)
    expected = slow_alignment(batch, temperature, threshold)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    gradient = torch.autograd.grad(loss, batch.leaves())
    for ours, theirs in zip(gradient, torch.autograd.grad(expected, batch.leaves())):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("width", "num_prototype"), [(1, 3), (16, 2), (32, 64)])
def test_formula_at_other_widths(width, num_prototype):
    batch = make_batch([6, 4, 9], [3, 2, 4], width, num_prototype)
    torch.testing.assert_close(batch.loss(), slow_alignment(batch), rtol=1e-5, atol=1e-5)


def test_mean_over_proteins():
    """Each protein's term is its loss alone: no other protein and no padding leaks in."""
    sizes, counts = [4, 30, 11], [2, 4, 3]
    batch = make_batch(sizes, counts)
    terms = []
    for i in range(3):
        mine = batch.property_owner == i
        alone = replace(
            batch,
            residue=batch.residue.split(sizes)[i],
            sizes=batch.sizes[i : i + 1],
            property_text=batch.property_text[mine],
            property_owner=torch.zeros(counts[i], dtype=torch.long),
            noise=batch.noise[mine],
        )
        terms.append(alone.loss())
    torch.testing.assert_close(batch.loss(), torch.stack(terms).mean())


def test_order_of_proteins_and_properties_does_not_matter():
    batch = make_batch([4, 30, 11], [2, 4, 3])
    residue = batch.residue.split([4, 30, 11])
    order = torch.randperm(9)
    place = torch.tensor([1, 2, 0])  # where proteins 0, 1, 2 go
    shuffled = replace(
        batch,
        residue=torch.cat([residue[2], residue[0], residue[1]]),
        sizes=torch.tensor([11, 4, 30]),
        property_text=batch.property_text[order],
        property_owner=place[batch.property_owner[order]],
        noise=batch.noise[order],
    )
    torch.testing.assert_close(shuffled.loss(), batch.loss())


def test_order_of_residues_does_not_matter():
    batch = make_batch([8], [3])
    shuffled = replace(batch, residue=batch.residue[torch.randperm(8)])
    torch.testing.assert_close(shuffled.loss(), batch.loss())


def test_lone_property_takes_no_part():
    batch = make_batch([5, 7, 4], [3, 1, 0])
    only = replace(batch, residue=batch.residue[:5], sizes=batch.sizes[:1])
    only = replace(only, property_text=batch.property_text[:3], noise=batch.noise[:3])
    only = replace(only, property_owner=batch.property_owner[:3])
    torch.testing.assert_close(batch.loss(), only.loss())
    batch.loss().backward()
    assert (batch.residue.grad[:5] != 0).any(dim=1).all()
    assert not batch.residue.grad[5:].any()
    assert not batch.property_text.grad[3:].any()


@pytest.mark.parametrize("counts", [[1, 1], [0, 1], [0, 0]])
def test_no_protein_with_two_properties(counts):
    batch = make_batch([5, 7], counts)
    loss = batch.loss()
    loss.backward()
    assert loss == 0
    assert not any(leaf.grad.any() for leaf in batch.leaves())


def test_gradient_reaches_everything():
    batch = make_batch([20, 30], [2, 4])
    batch.loss().backward()
    assert all((leaf.grad != 0).all() for leaf in batch.leaves()[1:])
    assert all((grad != 0).any() for grad in batch.residue.grad.split([20, 30]))


def test_gradient_flows_through_weights():
    """The kept residues carry it, and the lowest one, which sets the scale of min–max."""
    scores = torch.randn(3, 9, requires_grad=True)
    weights = segment_weights(scores, torch.tensor(True), 0.3)
    (weights * torch.randn(3, 9)).sum().backward()
    kept = weights > 0
    assert (scores.grad[kept] != 0).all()
    lowest = scores == scores.amin(dim=1, keepdim=True)
    assert (scores.grad[lowest] != 0).all()
    assert not scores.grad[~kept & ~lowest].any()


@pytest.mark.parametrize("value", [0.0, 1.0, -300.0])
def test_flat_rows_weigh_all_residues_alike(value):
    scores = torch.full((2, 4), value, requires_grad=True)
    real = torch.tensor([[True] * 4, [True, True, False, False]])
    weights = segment_weights(scores, real, 0.3)
    assert weights.tolist() == [[0.25] * 4, [0.5, 0.5, 0, 0]]
    weights[0, 0].backward()
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("value", [300.0, -300.0])
def test_scores_that_differ_by_rounding_are_flat(value):
    step = 2.0**-15  # float32 knows no smaller one at 300
    scores = value + step * torch.tensor([0.0, 1.0, 2.0, 1.0])
    assert len(scores.unique()) == 3
    assert segment_weights(scores, torch.tensor(True), 0.3).tolist() == [0.25] * 4


def test_scores_that_differ_little_beside_their_size_are_not_flat():
    weights = segment_weights(torch.tensor([100.0, 100.5, 101.0]), torch.tensor(True), 0.3)
    torch.testing.assert_close(weights, torch.tensor([0.0, 1 / 3, 2 / 3]))


@pytest.mark.parametrize("size", [1, 6])
def test_identical_residues(size):
    batch = make_batch([size, 5], [3, 2])
    with torch.no_grad():
        batch.residue[:size] = batch.residue[0].clone()
    loss = batch.loss()
    loss.backward()
    assert loss.isfinite()
    assert all(leaf.grad.isfinite().all() for leaf in batch.leaves())
    assert (batch.residue.grad[:size] != 0).any()


def test_threshold_extremes():
    scores = torch.tensor([0.0, 2.0, 1.0, 4.0, 9.0])
    real = torch.tensor([True, True, True, True, False])
    all_kept = segment_weights(scores, real, 0.0)
    torch.testing.assert_close(all_kept, torch.tensor([0.0, 2.0, 1.0, 4.0, 0.0]) / 7)
    assert segment_weights(scores, real, 1.0).tolist() == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_threshold_out_of_range(threshold):
    batch = make_batch([5], [2])
    with pytest.raises(InputError, match=f"threshold: {threshold} given; expected a number from 0"):
        batch.loss(threshold=threshold)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperature_out_of_range(temperature):
    batch = make_batch([5], [2])
    with pytest.raises(InputError, match=f"temperature: {temperature} given; expected a number"):
        batch.loss(temperature=temperature)


def test_cold_softmax_takes_the_nearest_prototype():
    bank = torch.eye(4)
    prototype = property_prototypes(torch.tensor([[0.0, 3.0, 1.0, 0.0]]), bank, 1e-3)
    torch.testing.assert_close(prototype, bank[1:2])


def test_gumbel_noise():
    noise = gumbel_noise((300, 500), torch.Generator().manual_seed(0))
    # Euler's constant and π² / 6, within four standard deviations of the mean.
    assert noise.mean().item() == pytest.approx(0.5772, abs=0.014)
    assert noise.var().item() == pytest.approx(math.pi**2 / 6, abs=0.04)
    assert torch.equal(noise, gumbel_noise((300, 500), torch.Generator().manual_seed(0)))


def test_always_in_float32():
    batch = make_batch([20, 30], [2, 4], width=32)
    half = replace(
        batch, residue=batch.residue.bfloat16(), property_text=batch.property_text.bfloat16()
    )
    same = replace(half, residue=half.residue.float(), property_text=half.property_text.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = half.loss()
    assert loss.dtype == torch.float32
    assert torch.equal(loss, same.loss())
