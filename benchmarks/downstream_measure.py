"""Measures one way of downstream training; `downstream.py` runs it in a fresh process.

Command line: settings as JSON. The last line of the output is the result as JSON.
"""

import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torchdrug import models, tasks
from torchdrug.data import graph_collate
from torchdrug.utils import cuda

import protclip_td
from protclip_td.building.keeping import keep_encoder_features, keep_items
from protclip_td.building.parameters import fixed_names, freeze
from protclip_td.data.reading.readers import read_pairs
from protclip_td.datasets import ProteinTable
from protclip_td.engine import ResumableEngine
from protclip_td.models import ProtCLIP
from protclip_td.training.checkpointing import Checkpoints
from protclip_td.training.listener import Listener, Plan
from protclip_td.training.recorder import Recorder
from protclip_td.training.run_folder import RunFolder

SAMPLE = Path(protclip_td.__file__).parent / "data/sample/uniprot_sample.dat.gz"


def table_of_lengths(longest: int, folder: Path) -> ProteinTable:
    """Proteins of the built-in sample in a fixed random order, and a number for each.

    Parameters:
        longest (int): longer proteins are left out; `models.ESM` would cut them at 1,022
        folder (Path): where to write the table
    """
    found = sorted({entry.sequence for entry in read_pairs(SAMPLE)})
    sequences = [sequence for sequence in found if len(sequence) <= longest]
    random.Random(0).shuffle(sequences)
    rows = [f"{sequence},{len(sequence) / 500}\n" for sequence in sequences]
    (folder / "lengths.csv").write_text("".join(["sequence,number\n", *rows]))
    return ProteinTable(str(folder / "lengths.csv"), target="number")


def make_encoder(kind: str, weights: str, size: str) -> torch.nn.Module:
    """Ours or TorchDrug's encoder from the same fair-esm file."""
    if kind == "ours":
        return ProtCLIP(protein_encoder=weights)
    digest = hashlib.md5(Path(weights).read_bytes(), usedforsecurity=False).hexdigest()
    models.ESM.md5 = {**models.ESM.md5, size: digest}  # it may be a file of random weights
    return models.ESM(str(Path(weights).parent), size)


def make_task(encoder: torch.nn.Module, dataset: ProteinTable) -> Any:
    """TorchDrug's regression on top of an encoder."""
    task = tasks.PropertyPrediction(
        encoder, task=["number"], criterion="mse", num_mlp_layer=2, normalization=False
    )
    task.preprocess(dataset, None, None)
    return task


def tuned(settings: dict[str, Any]) -> dict[str, float]:
    """Residues per second and peak memory of training encoder and head together."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = table_of_lengths(settings["longest"], Path(folder))
    task = make_task(make_encoder(settings["kind"], settings["weights"], settings["size"]), dataset)
    device = torch.device(settings["device"])
    task.to(device).train()
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-5)
    size, residues, seconds = settings["batch_size"], 0, 0.0
    before = resident_mb()
    for step in range(settings["batches"] + 1):
        rows = [dataset[i % len(dataset)] for i in range(step * size, (step + 1) * size)]
        batch = graph_collate(rows)
        batch = cuda(batch, device=device) if device.type == "cuda" else batch
        start = time.perf_counter()
        loss, _ = task(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the GPU
        if step > 0:  # the first one warms up
            seconds += time.perf_counter() - start
            residues += int(batch["graph"].num_residue)
    peak = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else peak_mb()
    base = 0.0 if device.type == "cuda" else before
    return {"residues_per_s": residues / seconds, "peak_mb": peak, "step_mb": peak - base}


def fixed(settings: dict[str, Any]) -> dict[str, Any]:
    """Seconds of each epoch of a head on a fixed encoder, as in a run, and its last loss."""
    torch.manual_seed(0)
    encoder = make_encoder("ours", settings["weights"], settings["size"])
    freeze(encoder)
    gpus = [0] if settings["device"] == "cuda" else None
    with tempfile.TemporaryDirectory() as folder:
        dataset = table_of_lengths(settings["longest"], Path(folder))
        task = make_task(encoder, dataset)
        optimizer = torch.optim.Adam(task.mlp.parameters(), lr=1e-3)
        task.preprocess = lambda *_: None  # done; a second head would not be the optimizer's
        engine = ResumableEngine(
            task, dataset, None, dataset, optimizer, batch_size=settings["batch_size"], gpus=gpus
        )
        if settings["keep"]:
            keep_encoder_features(task, Path(folder))
            keep_items(engine)
        clock = Clock()
        run = RunFolder(Path(folder))
        checkpoints = Checkpoints(run.path / "checkpoints", fixed_names(task))
        listeners = [clock, Recorder(run)]  # what is drawn at the end is no epoch's
        engine.fit(settings["epochs"], checkpoints=checkpoints, listeners=listeners)
        seconds = clock.seconds()
        mae = engine.evaluate("test", log=False)["mean absolute error [number]"]
    return {"seconds": seconds, "proteins": len(dataset), "mae": float(mae)}


class Clock(Listener):
    """Takes the time of each epoch with all that a run writes after it."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_epoch_start(self, plan: Plan, epoch: int, step: int) -> None:
        """An epoch begins where the one before has ended."""
        self.times.append(time.perf_counter())

    def on_end(self) -> None:
        """The last one has ended."""
        self.times.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Seconds of each epoch."""
        return [end - begin for begin, end in pairwise(self.times)]


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    measure = {"tuned": tuned, "fixed": fixed}[given["what"]]
    print(json.dumps(measure(given)))
