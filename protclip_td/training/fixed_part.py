"""The weights that a run does not train: in a file of their own, written once."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from protclip_td.models.tensors import add_to_digest
from protclip_td.models.weights_version import tensor_version
from protclip_td.whole_files import replace_file

#: Entry of a checkpoint: digest of the fixed part that belongs to it.
FIXED = "fixed"
#: Beside the checkpoints.
FIXED_PART = "fixed.pt"


class FixedPart:
    """Keeps the weights that are not trained out of the checkpoints of a run.

    A fixed ESM-2-650M has 2.6 GB and the head on top of it a few MB: writing both with each
    checkpoint would take far longer than an epoch.

    Parameters:
        folder (Path): folder of the checkpoints
        names (collection of str): tensors of the model that the run does not train
    """

    def __init__(self, folder: Path, names: Collection[str]) -> None:
        self.path = folder / FIXED_PART
        self.names = frozenset(names)
        self._digest = ""
        self._versions: list[tuple[int, int]] = []

    def take_out(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state of a checkpoint without them; they are written unless they have been.

        Raises:
            OSError: the disk does not take them
        """
        fixed = {name: state["model"][name] for name in state["model"] if name in self.names}
        if not fixed:
            return state
        versions = [tensor_version(tensor) for tensor in fixed.values()]
        if versions != self._versions:
            self._digest = _digest(fixed)
            content = {"model": fixed, "digest": self._digest}
            replace_file(self.path, lambda file: torch.save(content, file))
            self._versions = versions
        trained = {name: state["model"][name] for name in state["model"] if name not in fixed}
        return {**state, "model": trained, FIXED: self._digest}


def _digest(tensors: dict[str, Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    add_to_digest(digest, tensors)
    return digest.hexdigest()
