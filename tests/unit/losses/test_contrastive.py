"""Global contrast against the formula, and two processes against one."""

import math
import os

import pytest
import torch
from helpers import run_ranks
from torch import distributed

from protclip_td.losses.contrastive import contrastive_loss


def slow_contrastive(protein, text, logit_scale):
    """The formula, pair by pair."""
    protein = [row / row.pow(2).sum().sqrt() for row in protein]
    text = [row / row.pow(2).sum().sqrt() for row in text]
    scale = min(math.exp(logit_scale), 100.0)
    loss = 0.0
    for i in range(len(protein)):
        to_text = [scale * (protein[i] * text[j]).sum() for j in range(len(text))]
        to_protein = [scale * (protein[j] * text[i]).sum() for j in range(len(text))]
        for logits in (to_text, to_protein):
            partition = torch.stack(logits).double().exp().sum()
            loss = loss - (logits[i] - partition.log()) / (2 * len(protein))
    return loss


@pytest.mark.parametrize("size", [(2, 1), (2, 3), (5, 8), (16, 32)])
@pytest.mark.parametrize("scale", [0.0, math.log(1 / 0.07), math.log(100) + 1])
def test_formula(size, scale):
    protein, text = torch.randn(size), torch.randn(size)
    loss = contrastive_loss(protein, text, torch.tensor(scale))
    torch.testing.assert_close(
        loss.double(), slow_contrastive(protein, text, scale).double(), rtol=1e-5, atol=1e-5
    )


def test_order_and_length_do_not_matter():
    protein, text, scale = torch.randn(6, 4), torch.randn(6, 4), torch.tensor(1.0)
    loss = contrastive_loss(protein, text, scale)
    order = torch.randperm(6)
    torch.testing.assert_close(contrastive_loss(protein[order], text[order], scale), loss)
    torch.testing.assert_close(contrastive_loss(7 * protein, text / 3, scale), loss)
    torch.testing.assert_close(contrastive_loss(text, protein, scale), loss)
    assert contrastive_loss(protein[order], text, scale) != loss


def test_single_pair_is_zero_and_finite():
    protein, text = torch.randn(1, 4, requires_grad=True), torch.zeros(1, 4, requires_grad=True)
    scale = torch.tensor(2.0, requires_grad=True)
    loss = contrastive_loss(protein, text, scale)
    loss.backward()
    assert loss == 0
    assert all(leaf.grad.isfinite().all() for leaf in (protein, text, scale))


def test_gradient_reaches_embeddings_and_scale():
    leaves = [torch.randn(4, 3), torch.randn(4, 3), torch.tensor(1.0)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    contrastive_loss(*leaves).backward()
    assert all(leaf.grad.abs().sum() > 0 for leaf in leaves)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_always_in_float32(dtype):
    protein, text = torch.randn(6, 32).to(dtype), torch.randn(6, 32).to(dtype)
    scale = torch.tensor(4.0)
    expected = contrastive_loss(protein.float(), text.float(), scale)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = contrastive_loss(protein=protein, text=text, logit_scale=scale)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)


BATCHES = (1, 3)


def make_towers():
    """Two small projections and a scale, alike in every process, and inputs for 2·B pairs."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(5, 4, generator=generator) for _ in range(2)]
    inputs = [torch.randn(2 * max(BATCHES), 5, generator=generator) for _ in range(2)]
    leaves = [leaf.requires_grad_() for leaf in (*weights, torch.tensor(2.0))]
    return leaves, inputs


def loss_and_gradient(rows):
    """Loss of the pairs in these rows, and its gradient at the parameters."""
    (w_protein, w_text, scale), (protein, text) = make_towers()
    loss = contrastive_loss(protein[rows] @ w_protein, text[rows] @ w_text, scale)
    return [loss.detach(), *torch.autograd.grad(loss, (w_protein, w_text, scale))]


def run_rank(rank, folder):
    """One of two processes: average over both what its own pairs give."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    for batch in BATCHES:
        results = loss_and_gradient(slice(rank * batch, (rank + 1) * batch))
        for result in results:
            distributed.all_reduce(result)
        if rank == 0:
            torch.save([result / 2 for result in results], f"{folder}/{batch}.pt")
    distributed.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    run_ranks(run_rank, str(tmp_path))
    for batch in BATCHES:
        averaged = torch.load(tmp_path / f"{batch}.pt", weights_only=True)
        expected = loss_and_gradient(slice(0, 2 * batch))
        assert expected[0] > 0
        for ours, theirs in zip(averaged, expected):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
