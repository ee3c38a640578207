"""The only place that changes TorchDrug, or uses what it keeps for itself.

Each file mends one thing, the small ones are mended here; `apply` runs them all when `protclip_td`
is imported.
"""

import argparse
import inspect
from collections.abc import Sequence

import torch
from torch.optim import lr_scheduler
from torchdrug import core
from torchdrug.data import PackedProtein, Protein

from protclip_td.compat import classes, files, sampling
from protclip_td.data import proteins


def register_schedulers() -> None:
    """Register PyTorch's schedulers, which TorchDrug looks for under a base class of old."""
    table = core.Registry.table["scheduler"]
    for name, cls in inspect.getmembers(lr_scheduler, inspect.isclass):
        is_public = not name.startswith("_") and name != "LRScheduler"
        if is_public and issubclass(cls, lr_scheduler.LRScheduler) and name not in table:
            configurable = core.make_configurable(cls, ignore_args=("optimizer",))
            core.Registry.register(f"scheduler.{name}")(configurable)


def allow_fair_esm_weights() -> None:
    """Let `torch.load` read ESM-2's `.pt` files, which hold an `argparse.Namespace`.

    This one class only: `weights_only=True` stays the default.
    """
    torch.serialization.add_safe_globals([argparse.Namespace])


def keep_residue_letters() -> None:
    """Let proteins made from sequences keep their letters.

    TorchDrug turns X, B, Z, U and O into glycine with a warning each; ESM-2 has tokens for them.
    """

    def from_one(cls: type, sequence: str) -> Protein:
        return proteins.to_protein(sequence)

    def from_many(cls: type, sequences: Sequence[str]) -> PackedProtein:
        return Protein.pack([proteins.to_protein(sequence) for sequence in sequences])

    Protein._residue_from_sequence = classmethod(from_one)
    PackedProtein._residue_from_sequence = classmethod(from_many)


def apply() -> None:
    """Mend everything; doing it twice changes nothing."""
    register_schedulers()
    allow_fair_esm_weights()
    keep_residue_letters()
    for part in (sampling, files, classes):
        part.apply()
