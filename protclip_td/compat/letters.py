"""Proteins made from sequences keep their letters, and packs of them do.

TorchDrug turns X, B, Z, U and O into glycine with a warning each; ESM-2 has tokens for them.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from torchdrug.data import PackedProtein, Protein

from protclip_td.data.proteins import to_pack, to_protein, with_letters


def apply() -> None:
    """Let TorchDrug's proteins keep their letters."""
    Protein._residue_from_sequence = classmethod(_from_one)
    PackedProtein._residue_from_sequence = classmethod(_from_many)
    Protein.pack = classmethod(_completing(Protein.pack.__func__))


def _from_one(cls: type, sequence: str) -> Protein:
    return to_protein(sequence)


def _from_many(cls: type, sequences: Sequence[str]) -> PackedProtein:
    return to_pack(sequences)


def _completing(pack: Callable[..., PackedProtein]) -> Callable[..., PackedProtein]:
    """Packing needs all proteins to have the same attributes, those from structures as well."""

    @wraps(pack)
    def complete_and_pack(cls: type, graphs: Sequence[Any]) -> PackedProtein:
        graphs = list(graphs)
        if any(hasattr(graph, "residue_letter") for graph in graphs):
            graphs = [with_letters(graph) for graph in graphs]
        return pack(cls, graphs)

    return complete_and_pack
