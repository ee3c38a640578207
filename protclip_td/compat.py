"""The only place that knows TorchDrug's quirks on today's PyTorch.

Each function mends one of them; `apply` runs them all when `protclip_td` is imported.
"""

import argparse
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data.distributed import DistributedSampler
from torchdrug import core, metrics
from torchdrug.data import PackedProtein, Protein

from protclip_td.data import proteins, torchdrug_files, unseen_classes
from protclip_td.data.ranks import RankShare

# TorchDrug keeps PyTorch's own class under this name when it puts its subclass in its place.
_TorchModule = getattr(nn, "_Module", nn.Module)


@contextmanager
def torch_modules() -> Iterator[None]:
    """Put PyTorch's own `nn.Module` back for the time of the block.

    `import torchdrug` replaces `torch.nn.Module` by a subclass, so that `isinstance(x, nn.Module)`
    is false for every module whose class was made before, `nn.Linear` included. Foreign code that
    asks so, such as transformers' `from_pretrained`, has to run inside this block.

    Example::

        >>> with torch_modules():
        ...     model = EsmModel(config)
    """
    replaced = nn.Module
    nn.Module = _TorchModule  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        nn.Module = replaced  # type: ignore[misc, assignment]


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


def forward_epoch_to_dataset() -> None:
    """Let `DistributedSampler.set_epoch` tell the data set, too, which epoch begins.

    TorchDrug's engine makes its own sampler and tells it the epoch; a data set that is drawn anew
    each epoch has no other way to know.
    """
    set_epoch = DistributedSampler.set_epoch
    if getattr(set_epoch, "tells_dataset", False):
        return

    def set_epoch_everywhere(self: DistributedSampler, epoch: int) -> None:
        set_epoch(self, epoch)
        if getattr(self.dataset, "is_shuffled", False):
            self.dataset.set_epoch(epoch, self.num_replicas)  # type: ignore[attr-defined]
        elif hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(epoch)

    set_epoch_everywhere.tells_dataset = True  # type: ignore[attr-defined]
    DistributedSampler.set_epoch = set_epoch_everywhere  # type: ignore[method-assign]


def keep_shuffled_order() -> None:
    """Let `DistributedSampler` leave a data set's order alone where it is shuffled already.

    TorchDrug's engine shuffles whatever it trains on. A draw that was arranged so that neighbours
    can be read together would then be read one here, one there.
    """
    iterate = DistributedSampler.__iter__
    if getattr(iterate, "keeps_order", False):
        return

    def iterate_in_order(self: DistributedSampler) -> Iterator[int]:
        if getattr(self.dataset, "is_shuffled", False):
            num_item = len(self.dataset)  # type: ignore[arg-type]
            return iter(RankShare(num_item, self.rank, self.num_replicas))
        return iterate(self)

    iterate_in_order.keeps_order = True  # type: ignore[attr-defined]
    DistributedSampler.__iter__ = iterate_in_order  # type: ignore[method-assign, assignment]


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


def replaces_metric(key: str) -> Callable[[Callable], Callable]:
    """Put a function in the place of one of TorchDrug's metrics, for all tasks.

    TorchDrug's tasks look their metrics up in `torchdrug.metrics`; its registry knows them, too.
    Its own function stays in `torchdrug.metrics.metric`.

    Parameters:
        key (str): registered name without ``metrics.``, such as ``f1_max``
    """

    def put(function: Callable) -> Callable:
        registered = core.Registry.table["metrics"]
        for name, value in list(vars(metrics).items()):
            if value is registered[key]:  # under its full name, and some under a short one
                setattr(metrics, name, function)
        registered[key] = function
        function._registry_key = f"metrics.{key}"  # type: ignore[attr-defined]
        return function

    return put


def apply() -> None:
    """Mend everything; doing it twice changes nothing."""
    register_schedulers()
    allow_fair_esm_weights()
    forward_epoch_to_dataset()
    keep_shuffled_order()
    keep_residue_letters()
    torchdrug_files.apply()
    unseen_classes.apply()
