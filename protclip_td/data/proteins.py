"""TorchDrug's proteins, made of sequences, that remember their letters."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchdrug.data import Protein

from protclip_td.data.residues import foreign_letters

#: TorchDrug's options for proteins of residues alone, without atoms and bonds.
RESIDUES_ONLY: dict[str, None] = {"atom_feature": None, "bond_feature": None}

_GLYCINE = Protein.residue_symbol2id["G"]
# One more than there are types: TorchDrug's column for "unknown", which stays empty there, too.
_FEATURE_DIM = len(Protein.residue_symbol2id) + 1
# TorchDrug's types know the 20 amino acids only; any other letter counts as glycine there.
_RESIDUE_TYPE = np.full(256, _GLYCINE, dtype=np.int64)
for _letter, _type in Protein.residue_symbol2id.items():
    _RESIDUE_TYPE[ord(_letter)] = _type
_TYPE_OF_LETTER = torch.from_numpy(_RESIDUE_TYPE)
_NUM_TYPE = len(Protein.id2residue_symbol)
# The last two stand for types above and below those that TorchDrug knows.
_LETTER_OF_TYPE = torch.tensor(
    [ord(letter) for _, letter in sorted(Protein.id2residue_symbol.items())] + 2 * [ord("?")]
)


def to_protein(sequence: str) -> Protein:
    """Make a TorchDrug protein in residue view that remembers its letters.

    Beside what `Protein.from_sequence` gives without atoms and bonds, the protein has a residue
    attribute `residue_letter`, the ASCII codes, shape :math:`(L,)`. It survives packing, masking
    and the move to a GPU, so that an encoder that knows X, B, Z, U and O sees them.

    Parameters:
        sequence (str): one-letter residues; letters TorchDrug does not know count as glycine in
            `residue_type` and `residue_feature`, as in TorchDrug, which is worth a warning only
            where they are no residues at all

    Example::

        >>> protein = to_protein("MKX")
        >>> bytes(protein.residue_letter.tolist()).decode()
        'MKX'
    """
    if foreign := foreign_letters(sequence):
        warnings.warn(
            f"letters {foreign!r} are no residues; TorchDrug takes them for glycine",
            stacklevel=2,
        )
    letters = np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)
    residue_type = torch.from_numpy(_RESIDUE_TYPE[letters])
    feature = torch.nn.functional.one_hot(residue_type, _FEATURE_DIM)
    protein = Protein(
        edge_list=None,
        atom_type=[],
        bond_type=[],
        num_node=0,
        residue_type=residue_type,
        residue_feature=feature,
    )
    with protein.residue():
        protein.residue_letter = torch.from_numpy(letters.astype(np.int64))
    return protein


def residue_letters(graph: Any) -> Tensor:
    """ASCII codes of the residues of a protein or pack, :math:`(N,)`.

    A residue has the letter of its type if its protein remembers none, or another: masking and
    mutations change the type alone. A type that TorchDrug does not know is a "?".

    Parameters:
        graph (Protein): one or many

    Example::

        >>> protein = to_protein("MKX")
        >>> protein.residue_type[0] = Protein.residue_symbol2id["W"]
        >>> bytes(residue_letters(protein).tolist()).decode()
        'WKX'
    """
    types = graph.residue_type
    of_types = _LETTER_OF_TYPE.to(types.device)[types.clamp(-1, _NUM_TYPE)]
    letters = getattr(graph, "residue_letter", None)
    if letters is None:
        return of_types
    letters = letters.long()
    return torch.where(_TYPE_OF_LETTER.to(letters.device)[letters] == types, letters, of_types)


def with_letters(graph: Any) -> Any:
    """A protein that remembers its letters: itself, or a copy."""
    if hasattr(graph, "residue_letter"):
        return graph
    graph = graph.clone()
    with graph.residue():
        graph.residue_letter = residue_letters(graph)
    return graph
