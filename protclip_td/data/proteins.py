"""TorchDrug's proteins, made of sequences, that remember their letters."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchdrug.data import PackedProtein, Protein

from protclip_td.data.residues import foreign_letters
from protclip_td.errors import InputError

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
    letters = _letter_codes(sequence)
    protein = Protein(edge_list=None, num_node=0, **_residues(letters))
    return _remembering(protein, letters)


def to_pack(sequences: Iterable[str]) -> PackedProtein:
    """Make a pack of proteins in one go, equal to `Protein.pack` of what `to_protein` makes.

    Parameters:
        sequences (iterable of str): one or more sequences, as `to_protein` takes them

    Raises:
        InputError: there are no sequences

    Example::

        >>> to_pack(["MKX", "GAVLIPF"]).num_residues
        tensor([3, 7])
    """
    codes = list(map(_letter_codes, sequences))
    if not codes:
        raise InputError("no sequences given; expected at least one, since a pack cannot be empty")
    letters, no_atoms = np.concatenate(codes), [0] * len(codes)
    pack = PackedProtein(
        edge_list=torch.zeros(0, 3, dtype=torch.long),
        num_nodes=no_atoms,
        num_edges=no_atoms,
        num_residues=[len(each) for each in codes],
        **_residues(letters),
    )
    return _remembering(pack, letters)


def _letter_codes(sequence: str) -> np.ndarray:
    """ASCII codes of a sequence, with a warning where they are no residues."""
    if foreign := foreign_letters(sequence):
        warnings.warn(
            f"letters {foreign!r} are no residues; TorchDrug takes them for glycine",
            stacklevel=3,
        )
    return np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)


def _residues(letters: np.ndarray) -> dict[str, Any]:
    """What TorchDrug knows of residues that have no atoms."""
    types = torch.from_numpy(_RESIDUE_TYPE[letters])
    features = torch.nn.functional.one_hot(types, _FEATURE_DIM)
    return {"atom_type": [], "bond_type": [], "residue_type": types, "residue_feature": features}


def _remembering(graph: Any, letters: np.ndarray) -> Any:
    with graph.residue():
        graph.residue_letter = torch.from_numpy(letters.astype(np.int64))
    return graph


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
