"""Learning with the protein encoder tuned, and what a model can do on held-out pairs."""

import math
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Subset

from protclip_td.building.parameters import parameter_groups
from protclip_td.data.residues import RESIDUE_LETTERS
from protclip_td.engine import ResumableEngine
from protclip_td.models.protclip import ProtCLIP
from protclip_td.schedulers import LinearWarmupDecay
from protclip_td.tasks.pretraining import PAPER_CRITERION, ProteinTextPretraining

Rows = dict[str, list[int]]


@dataclass(frozen=True)
class TunedSettings:
    """How all tuned runs are trained.

    Guesses that a short trial found harmless, not the best of many.

    Parameters:
        pairs (int): training pairs seen, each at most once
        head_epochs (int): passes over the training pairs on frozen features, before the encoder is
            tuned. Heads that fit the training pairs already would leave it nothing to learn
        batch_size (int): pairs in a step
        lr (float): Adam's learning rate of the heads, after warm-up over 3 % of the steps; it
            decays to zero
        lr_ratio (float): the protein encoder's rate as a share of `lr`
        clip_grad_norm (float): largest norm of all gradients together (released)
        precision (str): of the forward pass
        seed (int): of initial weights, order and masks
    """

    pairs: int = 2560
    head_epochs: int = 10
    batch_size: int = 32
    lr: float = 5e-4
    lr_ratio: float = 0.4
    clip_grad_norm: float = 1.0
    precision: str = "bf16"
    seed: int = 0


def make_engine(
    model: ProtCLIP,
    dataset: Any,
    rows: Rows,
    settings: TunedSettings,
    criterion: dict[str, float] | None = None,
) -> ResumableEngine:
    """The project's engine on the project's task, ready to train or to evaluate."""
    torch.manual_seed(settings.seed)
    task = ProteinTextPretraining(model, criterion=criterion)
    optimizer = torch.optim.Adam(parameter_groups(task, settings.lr, settings.lr_ratio))
    sets = [Subset(dataset, rows[name]) for name in ("train", "valid", "test")]
    return ResumableEngine(
        task,
        *sets,
        optimizer,
        LinearWarmupDecay(optimizer),
        batch_size=settings.batch_size,
        log_interval=10,
        precision=settings.precision,
        clip_grad_norm=settings.clip_grad_norm,
    )


def tune(
    model: ProtCLIP,
    dataset: Any,
    rows: Rows,
    settings: TunedSettings,
    criterion: dict[str, float],
) -> float:
    """Train the protein encoder and the heads.

    Returns:
        seconds it took
    """
    engine = make_engine(model, dataset, rows, settings, criterion)
    start = time.perf_counter()
    engine.train(num_epoch=1, batch_per_epoch=settings.pairs // settings.batch_size)
    return time.perf_counter() - start


def judge(model: ProtCLIP, dataset: Any, rows: Rows, split: str) -> dict[str, float]:
    """Retrieval and all four losses on held-out pairs, in fp32, whatever the model has learnt."""
    settings = TunedSettings()
    engine = make_engine(model, dataset, rows, settings, PAPER_CRITERION)
    return {name: float(value) for name, value in engine.evaluate(split, log=False).items()}


def frequency_loss(dataset: Any, rows: Rows) -> float:
    """Cross-entropy of held-out residues under the training pairs' amino-acid frequencies.

    What guessing by frequency alone would score as MLM or BSR loss.
    """
    train, test = (_count_letters(dataset, rows[name]) for name in ("train", "test"))
    total = sum(train.values())
    bits = sum(n * math.log(max(train[letter], 1) / total) for letter, n in test.items())
    return -bits / sum(test.values())


def _count_letters(dataset: Any, rows: list[int]) -> dict[str, int]:
    text = "".join(dataset.store[row].sequence for row in rows)
    return {letter: text.count(letter) for letter in RESIDUE_LETTERS}
