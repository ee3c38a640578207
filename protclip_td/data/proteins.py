"""TorchDrug's proteins, made of sequences, that remember their letters."""

import numpy as np
import torch
from torchdrug.data import Protein

#: TorchDrug's options for proteins of residues alone, without atoms and bonds.
RESIDUES_ONLY: dict[str, None] = {"atom_feature": None, "bond_feature": None}

_GLYCINE = Protein.residue_symbol2id["G"]
# One more than there are types: TorchDrug's column for "unknown", which stays empty there, too.
_FEATURE_DIM = len(Protein.residue_symbol2id) + 1
# TorchDrug's types know the 20 amino acids only; any other letter counts as glycine there.
_RESIDUE_TYPE = np.full(256, _GLYCINE, dtype=np.int64)
for _letter, _type in Protein.residue_symbol2id.items():
    _RESIDUE_TYPE[ord(_letter)] = _type


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
