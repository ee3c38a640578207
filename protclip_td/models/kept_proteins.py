"""Proteins by their keys: what a fixed encoder has said about them can be found without them."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from protclip_td.data.proteins import residue_letters
from protclip_td.models.feature_file import KEY_SIZE


class KeptProteins:
    """Stands in for the proteins of a batch in a task that only hands them to its encoder.

    Parameters:
        keys (list of bytes): the key of each protein, as `protein_keys` gives it
        load (callable): returns the pack of proteins itself
        node_feature (Tensor, optional): says where the pack would be; of no width

    Example::

        >>> kept = KeptProteins([b"a" * 16, b"b" * 16], load=lambda: pack)
        >>> kept.node_feature.shape
        torch.Size([2, 0])
    """

    def __init__(
        self, keys: Sequence[bytes], load: Callable[[], Any], node_feature: Tensor | None = None
    ) -> None:
        self.keys = keys
        self.load = load
        self.node_feature = torch.empty(len(keys), 0) if node_feature is None else node_feature

    def cuda(self, *arguments: Any, **options: Any) -> "KeptProteins":
        """The same on a GPU, as TorchDrug's engine asks of whatever a batch holds."""
        return KeptProteins(
            self.keys,
            lambda: self.load().cuda(*arguments, **options),
            self.node_feature.cuda(*arguments, **options),
        )


def has_only_residues(graph: Any, input: Tensor) -> bool:
    """Whether residues and their features are all there is to a pack of proteins."""
    is_pack = hasattr(graph, "num_residues")
    return is_pack and not int(graph.num_atom) and len(input) == int(graph.num_residue)


def protein_keys(graph: Any, input: Tensor) -> list[bytes]:
    """A key for all that a model may know about each protein: residues and features.

    Parameters:
        graph (PackedProtein): :math:`n` proteins
        input (Tensor): features of the residues, :math:`(N, d)`
    """
    sizes = graph.num_residues.tolist()
    residues = residue_letters(graph).to(torch.uint8).cpu().split(sizes)
    inputs = input.detach().cpu().split(sizes)
    return [_key(*pair) for pair in zip(residues, inputs)]


def with_precision(keys: Sequence[bytes], device: str) -> list[bytes]:
    """The keys for what a model says under autocast on a device, where it is on."""
    if not torch.is_autocast_enabled(device):
        return list(keys)
    precision = str(torch.get_autocast_dtype(device)).encode()
    return [hashlib.blake2b(key + precision, digest_size=KEY_SIZE).digest() for key in keys]


def _key(residues: Tensor, inputs: Tensor) -> bytes:
    key = hashlib.blake2b(residues.contiguous().numpy().data, digest_size=KEY_SIZE)
    key.update(inputs.contiguous().numpy().data)
    return key.digest()
