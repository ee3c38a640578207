"""The weights that a run does not train: in a file of their own, written once."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

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
        self._versions: dict[str, tuple[int, int]] | None = None

    def take_out(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state of a checkpoint without them; they are written unless they have been.

        The file is never replaced by another one, which older checkpoints would not fit: a tensor
        that something has changed nevertheless goes into each checkpoint, as if it were trained.

        Raises:
            OSError: the disk does not take them
        """
        fixed = {name: tensor for name, tensor in state["model"].items() if name in self.names}
        if fixed and self._versions is None:
            self._versions = self._keep(fixed)
        known = self._versions or {}
        fixed = {name: t for name, t in fixed.items() if tensor_version(t) == known.get(name)}
        if not fixed:
            return state
        rest = {name: tensor for name, tensor in state["model"].items() if name not in fixed}
        return {**state, "model": rest, FIXED: self._digest}

    def _keep(self, fixed: dict[str, Tensor]) -> dict[str, tuple[int, int]]:
        """Versions of those that are in the file, which is written unless it is there."""
        kept = self._read() or {"model": fixed, "digest": _digest(fixed)}
        if kept["model"] is fixed:
            replace_file(self.path, lambda file: torch.save(kept, file))
        self._digest = kept["digest"]
        known = kept["model"]
        return {
            name: tensor_version(tensor)
            for name, tensor in fixed.items()
            if name in known and torch.equal(tensor.cpu(), known[name].cpu())
        }

    def _read(self) -> dict[str, Any] | None:
        """What an earlier process has kept; None if there is none, or it is damaged."""
        if not self.path.is_file():
            return None
        try:
            return torch.load(self.path, map_location="cpu", mmap=True, weights_only=True)
        except Exception:  # one wrong byte can make torch stumble over anything
            return None


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    add_to_digest(digest, tensors)
    return digest.hexdigest()
