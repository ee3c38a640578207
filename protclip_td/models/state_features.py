"""What a fixed model has said in its present state, by key: looked up, or computed and kept."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.models.feature_file import FeatureFolder
from protclip_td.models.tensors import add_to_digest

#: Takes places in a list, and gives a row for each.
Compute = Callable[[list[int]], np.ndarray]


class StateFeatures:
    """Rows of numbers, in a folder for each state of a model.

    Parameters:
        model (nn.Module): what is asked. Loading a state dict into it, or into a part of it, leads
            to the subfolder of the new weights. Weights changed in place are not noticed.
        width (int): numbers in a row
        folder (Path): one subfolder for each model and weights
    """

    def __init__(self, model: Any, width: int, folder: Path) -> None:
        self.model = model
        self.width = width
        self.folder = folder
        self.num_computed = 0
        self.num_found = 0
        self._name = ""
        self._features: FeatureFolder | None = None
        # Weights may be loaded into a part alone. To look at each of them, as `KeptValue` does,
        # would take longer than a step of a head on kept features.
        for module in model.modules():
            module.register_load_state_dict_post_hook(self._look_again)

    def has_all(self, keys: Sequence[bytes]) -> bool:
        """Whether nothing would have to be computed."""
        features = self._open()
        return all(key in features for key in keys)

    def rows(self, keys: Sequence[bytes], compute: Compute) -> np.ndarray:
        """The rows of some keys, new ones computed and kept.

        Parameters:
            keys (list of bytes): :math:`n` keys, the same ones more than once or not
            compute (callable): gives the rows for some of their places

        Returns:
            float32 array of shape :math:`(n, d)`
        """
        features = self._open()
        # By the last place of each.
        new = {key: place for place, key in enumerate(keys) if key not in features}
        computed: dict[bytes, np.ndarray] = {}
        if new:
            places = sorted(new.values())
            values = compute(places)
            computed = dict(zip([keys[place] for place in places], values))
            features.add(list(computed), values)
        self.num_computed += len(new)
        self.num_found += len(keys) - len(new)
        return np.stack([computed[k] if k in computed else features.find(k) for k in keys])

    def __getstate__(self) -> dict[str, Any]:
        """Saved without the open files of the folder."""
        return {**vars(self), "_features": None}

    def _look_again(self, *_: Any) -> None:
        """Where weights are others now, what is kept of the former is no use."""
        self._name = ""

    def _open(self) -> FeatureFolder:
        name = self._name or model_digest(self.model)
        if self._features is None or self._features.folder.name != name:
            self._features = FeatureFolder(self.folder / name, self.width)
        self._name = name
        return self._features


def model_digest(model: Any) -> str:
    """Name of a model's state: of its settings and of every bit of its weights.

    Parameters:
        model (nn.Module): any model; TorchDrug's Configurables tell their settings, and so do
            those of transformers
    """
    settings = model.config_dict() if hasattr(model, "config_dict") else repr(model)
    config = model.config.to_json_string() if hasattr(model, "config") else ""
    name = hashlib.blake2b(f"{settings!r}{config}".encode(), digest_size=16)
    add_to_digest(name, model.state_dict())
    return name.hexdigest()
