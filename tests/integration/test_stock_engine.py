"""TorchDrug's own engine, unmodified, runs the pretraining task."""

import os

import pytest
import torch
from helpers import batch_of, run_ranks, tiny_model
from torch.nn.parallel import DistributedDataParallel
from torchdrug import core
from torchdrug.utils import comm

from protclip_td.datasets import ProtAnno
from protclip_td.tasks import ProteinTextPretraining

SIDE = 4  # pairs per process


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of the built-in sample, made once."""
    folder = tmp_path_factory.mktemp("protanno")
    ProtAnno(str(folder))
    return str(folder)


def stock_engine(store, protein_folder, text_folder, **options):
    dataset = ProtAnno(store, draws_per_epoch=8, max_residues=64)
    task = ProteinTextPretraining(tiny_model(protein_folder, text_folder))
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=1e-3)
    return core.Engine(task, *dataset.split(), optimizer, log_interval=1, **options)


def test_stock_engine_with_two_workers(store, tiny_protein_folder, tiny_text_folder, tmp_path):
    engine = stock_engine(store, tiny_protein_folder, tiny_text_folder, batch_size=3, num_worker=2)
    before = [p.detach().clone() for p in engine.model.parameters()]
    draws = []
    for _ in range(2):
        engine.train(num_epoch=1)  # 3 + 3 + 2 pairs: the last batch is smaller
        draws.append(list(engine.train_set.indices))
    assert draws[0] != draws[1], "each epoch is drawn anew"
    assert any(not torch.equal(a, b) for a, b in zip(before, engine.model.parameters()))
    for name in ("contrastive", "bsr", "mlm", "pda"):
        assert len(engine.meter.records[f"{name} loss"]) == 6
    metric = engine.evaluate("valid")
    assert 0 < metric["protein-to-text MRR"] <= 1
    engine.save(str(tmp_path / "engine.pth"))
    engine.load(str(tmp_path / "engine.pth"))


def run_rank(rank, folder, store, protein_folder, text_folder, entries):
    """One of two processes: gradients of its half of the pairs, then TorchDrug's engine."""
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    torch.set_num_threads(1)
    comm.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    task = contrastive_task(protein_folder, text_folder)
    model = DistributedDataParallel(task, find_unused_parameters=True)
    loss, _ = model(batch_of(entries[SIDE * rank :][:SIDE]))
    loss.backward()
    mean = comm.reduce(loss.detach(), op="mean")
    torch.manual_seed(0)
    engine = stock_engine(store, protein_folder, text_folder, batch_size=2)
    engine.train(num_epoch=1)
    metric = engine.evaluate("valid")
    weights = [p.detach() for p in engine.model.parameters()]
    torch.save([mean, gradients(task), weights, metric], f"{folder}/rank{rank}.pt")


def contrastive_task(protein_folder, text_folder):
    torch.manual_seed(0)
    model = tiny_model(protein_folder, text_folder)
    return ProteinTextPretraining(model, criterion={"contrastive": 1.0})


def gradients(task):
    return {n: p.grad for n, p in task.named_parameters() if p.grad is not None}


def test_two_processes(store, tiny_protein_folder, tiny_text_folder, tmp_path, pairs):
    """Two processes of 4 pairs are one of 8; the stock engine keeps their weights the same."""
    folders = (tiny_protein_folder, tiny_text_folder)
    run_ranks(run_rank, str(tmp_path), store, *folders, pairs)
    task = contrastive_task(*folders)
    loss, _ = task(batch_of(pairs[: 2 * SIDE]))
    loss.backward()
    alone = gradients(task)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2)]
    for mean, together, _, _ in ranks:
        assert torch.allclose(mean, loss, atol=1e-5)
        assert set(alone) <= set(together)
        for name in alone:
            assert torch.allclose(together[name], alone[name], atol=1e-5), name
    for a, b in zip(ranks[0][2], ranks[1][2]):
        assert torch.equal(a, b)
    assert ranks[0][3] == ranks[1][3]
