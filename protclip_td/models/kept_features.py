"""A fixed encoder says the same about a protein in every epoch: it is asked once."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protclip_td.models.kept_proteins import (
    KeptProteins,
    has_only_residues,
    protein_keys,
    with_precision,
)
from protclip_td.models.state_features import StateFeatures

logger = logging.getLogger(__name__)

# Of the largest value; rounding is below a thousandth of this in full precision.
_TOLERANCE = 1e-3


def keep_features(model: nn.Module, folder: str | Path) -> "KeptFeatures":
    """Let a fixed model look up the `graph_feature` of proteins that it has seen.

    From then on `model(graph, input)` returns nothing but `graph_feature`, and takes `KeptProteins`
    in place of a pack as well. The model keeps its class, its weights and its place in the task;
    only its `forward` changes. A graph with atoms goes through the model as before, since its
    sequence does not tell all about it; so does everything if what the model says about a protein
    depends on the others in its batch, as with TorchDrug's convolutions, which take the padding
    beside a shorter protein for residues.

    Parameters:
        model (nn.Module): TorchDrug model that is not trained, in eval mode
        folder (str or Path): where to keep the features, one subfolder for each state of a model;
            runs may share it

    Returns:
        KeptFeatures: its `features` count what was looked up and what was computed

    Example::

        >>> from torchdrug import tasks
        >>> model = ProtCLIP("random:ESM-2-8M").eval()
        >>> kept = keep_features(model, "runs/kept_features")
        >>> task = tasks.PropertyPrediction(model, task=["stability"])
    """
    kept = KeptFeatures(model, Path(folder).expanduser())
    model.forward = kept
    return kept


class KeptFeatures:
    """Stands in for a fixed model's `forward`.

    Parameters:
        model (nn.Module): the model
        folder (Path): one subfolder for each model and weights

    Attributes:
        depends_on_batch (bool, optional): whether what the model says about a protein depends on
            the others in its batch, so that nothing may be kept; None until a batch has told
    """

    def __init__(self, model: Any, folder: Path) -> None:
        self.model = model
        self.compute = model.forward
        self.features = StateFeatures(model, model.output_dim, folder)
        self.depends_on_batch: bool | None = None

    @torch.no_grad()
    def __call__(
        self, graph: Any, input: Tensor, all_loss: Any = None, metric: Any = None
    ) -> dict[str, Tensor]:
        if isinstance(graph, KeptProteins):
            keys = with_precision(graph.keys, input.device.type)
            if not self.depends_on_batch and self.features.has_all(keys):
                return self._look_up(keys, graph, input)
            graph = graph.load()
            input = graph.node_feature.float()
        to_keep = self._keys_to_keep(graph, input)
        if to_keep is None:
            return self.compute(graph, input, all_loss=all_loss, metric=metric)
        return self._look_up(to_keep, graph, input)

    def _keys_to_keep(self, graph: Any, input: Tensor) -> list[bytes] | None:
        """The keys under which the features of a batch may be kept; None if they may not."""
        if self.depends_on_batch or not has_only_residues(graph, input):
            return None
        keys = with_precision(protein_keys(graph, input), input.device.type)
        if self.depends_on_batch is None and not self.features.has_all(keys):
            self.depends_on_batch = self._ask_beside_a_longer_one(graph, input)
        return None if self.depends_on_batch else keys

    def _look_up(self, keys: list[bytes], graph: Any, input: Tensor) -> dict[str, Tensor]:
        """Features that are kept, and those that are computed now."""
        rows = self.features.rows(keys, partial(self._compute, graph, input))
        return {"graph_feature": torch.from_numpy(rows).to(input.device)}

    def _ask_beside_a_longer_one(self, graph: Any, input: Tensor) -> bool | None:
        """Whether the model says something else about a protein there; None if none is longer."""
        sizes = graph.num_residues
        pair = [int(sizes.argmin()), int(sizes.argmax())]
        if sizes[pair[0]] == sizes[pair[1]]:
            return None
        with torch.autocast(input.device.type, enabled=False):
            alone = self._compute(graph, input, pair[:1])[0]
            beside = self._compute(graph, input, sorted(pair))[int(pair[0] > pair[1])]
        if np.abs(beside - alone).max() <= _TOLERANCE * np.abs(alone).max():
            return False
        logger.warning(
            "%s: what it says about a protein depends on the others in its batch, so nothing is "
            "kept; each epoch goes through the encoder",
            type(self.model).__name__,
        )
        return True

    def _compute(self, graph: Any, input: Tensor, indices: list[int]) -> np.ndarray:
        """The model's features of some of the proteins."""
        if len(indices) < len(graph):
            chosen = torch.zeros(len(graph), dtype=torch.bool, device=input.device)
            chosen[indices] = True
            input = input[chosen[graph.residue2graph]]
            graph = graph[indices]
        return self.compute(graph, input)["graph_feature"].float().cpu().numpy()
