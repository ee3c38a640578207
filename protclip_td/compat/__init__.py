"""The only place that changes TorchDrug, or uses what it keeps for itself.

Each file mends one thing, the small ones are mended here; `apply` runs them all when `protclip_td`
is imported.
"""

import argparse
import inspect
from functools import cache

import torch
from torch.optim import lr_scheduler
from torchdrug import core

from protclip_td.compat import files, letters, molecules, sampling, targets


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


@cache
def apply() -> None:
    """Mend everything; doing it twice changes nothing."""
    register_schedulers()
    allow_fair_esm_weights()
    for part in (letters, molecules, sampling, files, targets):
        part.apply()
