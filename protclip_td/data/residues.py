"""Residue letters: which there are, and how they travel inside TorchDrug's proteins."""

import numpy as np
import torch
from torchdrug.data import Protein

from protclip_td.errors import InputError

#: The 20 amino acids, then X (any), B (D or N), Z (E or Q), U (selenocysteine), O (pyrrolysine).
RESIDUE_LETTERS = "ACDEFGHIKLMNPQRSTVWYXBZUO"

#: TorchDrug's options for proteins of residues alone, without atoms and bonds.
RESIDUES_ONLY: dict[str, None] = {"atom_feature": None, "bond_feature": None}

_GLYCINE = Protein.residue_symbol2id["G"]
# One more than there are types: TorchDrug's column for "unknown", which stays empty there, too.
_FEATURE_DIM = len(Protein.residue_symbol2id) + 1
# TorchDrug's types know the 20 amino acids only; any other letter counts as glycine there.
_RESIDUE_TYPE = np.full(256, _GLYCINE, dtype=np.int64)
for _letter, _type in Protein.residue_symbol2id.items():
    _RESIDUE_TYPE[ord(_letter)] = _type


def foreign_letters(sequence: str) -> str:
    """The letters of a sequence that are no residues, sorted, each once ("" if all are).

    Example::

        >>> foreign_letters("MK*L-")
        '*-'
    """
    return "".join(sorted(set(sequence) - set(RESIDUE_LETTERS)))


def check_sequence(sequence: str, name: str = "protein sequence") -> None:
    """Make sure that a sequence has residues, and nothing else.

    Parameters:
        sequence (str): one-letter residues, upper case
        name (str, optional): what to call it in the message

    Raises:
        InputError: the sequence is empty or has letters that are no residues
    """
    if not sequence:
        raise InputError(f"{name}: the sequence is empty; expected one-letter residues")
    foreign = foreign_letters(sequence)
    if foreign:
        raise InputError(
            f"{name}: letters {foreign!r} are no residues; expected {RESIDUE_LETTERS} "
            "in upper case, without gaps and stops"
        )


def to_protein(sequence: str) -> Protein:
    """Make a TorchDrug protein in residue view that remembers its letters.

    Beside what `Protein.from_sequence` gives without atoms and bonds, the protein has a residue
    attribute `residue_letter`, the ASCII codes, shape :math:`(L,)`. It survives packing, masking
    and the move to a GPU, so that an encoder that knows X, B, Z, U and O sees them.

    Parameters:
        sequence (str): one-letter residues; letters TorchDrug does not know count as glycine in
            `residue_type` and `residue_feature`, as in TorchDrug

    Example::

        >>> protein = to_protein("MKX")
        >>> bytes(protein.residue_letter.tolist()).decode()
        'MKX'
    """
    letters = np.frombuffer(sequence.encode("latin-1"), dtype=np.uint8)
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
