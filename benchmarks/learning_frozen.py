"""Learning with both encoders frozen: their features are computed once, then only heads learn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from protclip_td.data.residues import RESIDUE_LETTERS
from protclip_td.losses.contrastive import contrastive_loss
from protclip_td.metrics.retrieval import retrieval_metrics
from protclip_td.models.heads import Projection
from protclip_td.models.protclip import ProtCLIP
from protclip_td.schedulers import LinearWarmupDecay

Features = dict[str, Tensor]


@dataclass(frozen=True)
class FrozenSettings:
    """How the heads are trained: the best of 28 on texts taken out of the training pairs.

    Parameters:
        epochs (int): passes over the training pairs
        batch_size (int): pairs contrasted with each other
        lr (float): Adam's learning rate after warm-up over 3 % of the steps; it decays to zero
        dropout (float): share of the features that a step does without
        seed (int): of initial weights and order
    """

    epochs: int = 100
    batch_size: int = 512
    lr: float = 5e-4
    dropout: float = 0.2
    seed: int = 0


class SharedSpace(nn.Module):
    """The trained parts of contrastive learning on frozen features.

    Parameters:
        protein_projection (Projection): φ_p
        text_projection (Projection): φ_t
        logit_scale (Parameter): s
    """

    def __init__(
        self, protein_projection: nn.Module, text_projection: nn.Module, logit_scale: nn.Parameter
    ) -> None:
        super().__init__()
        self.protein_projection = protein_projection
        self.text_projection = text_projection
        self.logit_scale = logit_scale

    def loss(self, protein: Tensor, text: Tensor) -> Tensor:
        """The global contrast of features (B, d_p) and (B, d_t)."""
        return contrastive_loss(
            self.protein_projection(protein), self.text_projection(text), self.logit_scale
        )

    @torch.no_grad()
    def retrieval(self, protein: Tensor, text: Tensor) -> dict[str, float]:
        """Retrieval among features of pairs with distinct texts."""
        return retrieval_metrics(self.protein_projection(protein), self.text_projection(text))


def space_of(model: ProtCLIP) -> SharedSpace:
    """The model's own heads, so that training the space trains the model."""
    return SharedSpace(model.protein_projection, model.text_projection, model.logit_scale)


def composition_space(model: ProtCLIP) -> SharedSpace:
    """Heads like the model's, on amino-acid composition in place of the protein encoder."""
    return SharedSpace(
        Projection(len(RESIDUE_LETTERS), model.projection_dim),
        model.text_projection,
        model.logit_scale,
    )


def read_features(model: ProtCLIP, dataset: Any, cache: Path) -> Features:
    """The frozen encoders' means over residues and over text tokens, and the compositions.

    Parameters:
        model (ProtCLIP): its two encoders
        dataset (ProtAnno): all pairs
        cache (Path): file to keep the features in, or to find them in

    Returns:
        `protein` :math:`(n, d_p)`, `text` :math:`(n, d_t)`, `composition` :math:`(n, 25)`
    """
    if cache.is_file():
        return torch.load(cache)
    entries = [dataset.store[row] for row in range(len(dataset))]
    sequences = [entry.sequence for entry in entries]
    features = {
        "protein": model.protein_features(sequences),
        "text": model.text_encoder.means([entry.biotext for entry in entries]),
        "composition": torch.stack([composition(sequence) for sequence in sequences]),
    }
    torch.save(features, cache)
    return features


def read_protein_features(model: ProtCLIP, dataset: Any, rows: dict[str, list[int]]) -> Tensor:
    """The protein encoder's means over residues at the rows of all splits, 0 elsewhere.

    Returns:
        Tensor: :math:`(n, d_p)`, a row for each pair of the data set
    """
    used = sorted(set().union(*rows.values()))
    features = torch.zeros(len(dataset), model.node_output_dim)
    features[used] = model.protein_features([dataset.store[row].sequence for row in used])
    return features


def composition(sequence: str) -> Tensor:
    """Share of each residue letter in a sequence, :math:`(25,)`."""
    return torch.tensor([sequence.count(letter) / len(sequence) for letter in RESIDUE_LETTERS])


def train_space(
    space: SharedSpace, protein: Tensor, text: Tensor, settings: FrozenSettings
) -> None:
    """Train the heads on features of the training pairs, :math:`(n, d_p)` and :math:`(n, d_t)`."""
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(space.parameters(), lr=settings.lr)
    batches = max(len(protein) // settings.batch_size, 1)
    scheduler = LinearWarmupDecay(optimizer, batches * settings.epochs)
    for _ in range(settings.epochs):
        order = torch.randperm(len(protein), generator=generator)
        for rows in order.split(settings.batch_size)[:batches]:
            chosen = (F.dropout(side[rows], settings.dropout) for side in (protein, text))
            space.loss(*chosen).backward()
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
