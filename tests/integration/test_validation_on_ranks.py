"""The pretraining's validation in several processes, whose shares of the pairs are unequal."""

import os

import pytest
import torch
from helpers import run_ranks, tiny_model
from torch.utils.data import Subset
from torchdrug.utils import comm

from protclip_td.datasets import ProtAnno
from protclip_td.engine import ResumableEngine
from protclip_td.tasks import ProteinTextPretraining

PAIRS = 7  # one rank has 4 of them, in two batches, the other 3


def make_engine(store, protein_folder, text_folder):
    torch.manual_seed(0)
    train, valid, test = ProtAnno(store, draws_per_epoch=8, max_residues=64).split()
    task = ProteinTextPretraining(tiny_model(protein_folder, text_folder))
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad])
    return ResumableEngine(task, train, Subset(valid, range(PAIRS)), test, optimizer, batch_size=2)


def run_rank(rank, folder, *where):
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    torch.set_num_threads(1)
    comm.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    metric = make_engine(*where).evaluate("valid", log=False)
    torch.save(metric, f"{folder}/rank{rank}.pt")


def test_two_processes_find_what_one_finds(tiny_protein_folder, tiny_text_folder, tmp_path):
    where = (str(tmp_path / "store"), tiny_protein_folder, tiny_text_folder)
    engine = make_engine(*where)
    run_ranks(run_rank, str(tmp_path), *where)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2)]
    assert ranks[0] == ranks[1]
    alone = engine.evaluate("valid", log=False)
    for name in alone:
        if "loss" not in name:
            assert ranks[0][name] == pytest.approx(alone[name]), name
    # Losses are means over the pairs of the ranks' own batches.
    valid = engine.valid_set.dataset
    shares = []
    for rows in ([0, 2], [4, 6], [1, 3], [5]):
        engine.valid_set = Subset(valid, rows)
        shares.append(len(rows) * engine.evaluate("valid", log=False)["contrastive loss"])
    assert ranks[0]["contrastive loss"] == pytest.approx(sum(shares) / PAIRS, abs=1e-5)
