"""A fixed encoder says the same about a protein in every epoch: it is asked once."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protclip_td.models.feature_file import FeatureFolder
from protclip_td.models.kept_proteins import (
    KeptProteins,
    is_told_by_residues,
    protein_keys,
    with_precision,
)

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
        KeptFeatures: counts what was looked up and what was computed

    Example::

        >>> from torchdrug import tasks
        >>> model = ProtCLIP("random:ESM-2-8M").eval()
        >>> kept = keep_features(model, "runs/kept_features")
        >>> task = tasks.PropertyPrediction(model, task=["stability"])
    """
    kept = KeptFeatures(model, Path(folder).expanduser())
    model.forward = kept
    model.register_load_state_dict_post_hook(lambda *_: kept.look_again())
    return kept


class KeptFeatures:
    """Stands in for a fixed model's `forward`.

    Parameters:
        model (nn.Module): the model
        folder (Path): one subfolder for each model and weights
    """

    def __init__(self, model: Any, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.compute = model.forward
        self.num_computed = 0
        self.num_found = 0
        self._name = ""
        self._features: FeatureFolder | None = None
        self._minds_others: bool | None = None

    def look_again(self) -> None:
        """Weights were loaded: where they are others, what is kept of the former is no use now."""
        self._name = ""

    @torch.no_grad()
    def __call__(
        self, graph: Any, input: Tensor, all_loss: Any = None, metric: Any = None
    ) -> dict[str, Tensor]:
        if isinstance(graph, KeptProteins):
            keys = with_precision(graph.keys, input.device.type)
            if not self._minds_others and all(key in self._open() for key in keys):
                return self._answer(keys, {}, input.device)
            graph = graph.load()
            input = graph.node_feature.float()
        if self._minds_others or not is_told_by_residues(graph, input):
            return self.compute(graph, input, all_loss=all_loss, metric=metric)
        keys = with_precision(protein_keys(graph, input), input.device.type)
        new = {key: i for i, key in enumerate(keys) if key not in self._open()}
        if new and self._minds_others is None:
            self._minds_others = self._ask_beside_a_longer_one(graph, input)
            if self._minds_others:
                return self.compute(graph, input, all_loss=all_loss, metric=metric)
        return self._answer(keys, self._learn(graph, input, new), input.device)

    def _learn(self, graph: Any, input: Tensor, new: dict[bytes, int]) -> dict[bytes, np.ndarray]:
        """Compute and keep the features of some of the proteins, given by key and place."""
        if not new:
            return {}
        rows = self._compute(graph, input, sorted(new.values()))
        keys = sorted(new, key=lambda key: new[key])
        self._open().add(keys, rows)
        return dict(zip(keys, rows))

    def _answer(
        self, keys: list[bytes], computed: dict[bytes, np.ndarray], device: torch.device
    ) -> dict[str, Tensor]:
        """Features just computed, and those that are kept."""
        self.num_computed += len(computed)
        self.num_found += len(keys) - len(computed)
        features = self._open()
        found = [computed[key] if key in computed else features.find(key) for key in keys]
        return {"graph_feature": torch.from_numpy(np.stack(found)).to(device)}

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

    def _open(self) -> FeatureFolder:
        name = self._name or digest(self.model)
        if self._features is None or self._features.folder.name != name:
            self._features = FeatureFolder(self.folder / name, self.model.output_dim)
        self._name = name
        return self._features


def digest(model: Any) -> str:
    """Name of a model's state: of its settings and of every bit of its weights.

    Parameters:
        model (nn.Module): any model; TorchDrug's Configurables tell their settings
    """
    settings = model.config_dict() if hasattr(model, "config_dict") else repr(model)
    name = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    for key, tensor in sorted(model.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        name.update(f"{key} {plain.dtype} {tuple(plain.shape)}".encode())
        name.update(plain.flatten().view(torch.uint8).numpy())
    return name.hexdigest()
