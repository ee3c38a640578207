"""Proteins that remember their letters, and forget those that are changed."""

import pytest
import torch
from rdkit import Chem
from torchdrug.data import Protein

from protclip_td.data.proteins import RESIDUES_ONLY, residue_letters, to_protein


def text(letters):
    return bytes(letters.tolist()).decode()


@pytest.fixture
def from_structure():
    """A protein with atoms, as PDB files give them; it has no letters of its own."""
    return Protein.from_molecule(Chem.MolFromSequence("GAVL"), **RESIDUES_ONLY)


def test_letters_are_those_of_the_sequence():
    assert text(residue_letters(to_protein("ACDEFGHIKLMNPQRSTVWYXBZUO"))) == (
        "ACDEFGHIKLMNPQRSTVWYXBZUO"
    )


def test_types_tell_where_no_letters_are_remembered(from_structure):
    assert text(residue_letters(from_structure)) == "GAVL"


def test_a_changed_type_counts_and_the_other_letters_stay():
    protein = to_protein("MXKU")
    mutant = protein.clone()
    mutant.residue_type[2] = Protein.residue_symbol2id["W"]
    assert text(residue_letters(mutant)) == "MXWU"
    assert text(residue_letters(protein)) == "MXKU"


@pytest.mark.parametrize("first", [0, 1])
def test_packs_of_proteins_from_sequences_and_from_structures(from_structure, first):
    proteins = [from_structure, to_protein("MXK")]
    order = [proteins[first], proteins[1 - first]]
    pack = Protein.pack(order)
    letters = ["GAVL", "MXK"]
    assert text(residue_letters(pack)) == letters[first] + letters[1 - first]
    assert not hasattr(from_structure, "residue_letter")


def test_a_pack_of_whatever_can_be_gone_through(from_structure):
    proteins = [from_structure, to_protein("MX"), to_protein("K")]
    assert Protein.pack(iter(proteins)).num_residues.tolist() == [4, 2, 1]


def test_types_of_ones_own_and_letters_of_another_width():
    protein = to_protein("MXK")
    protein.residue_type[0], protein.residue_type[2] = 20, -1
    assert text(residue_letters(protein)) == "?X?"
    with protein.residue():
        protein.residue_letter = protein.residue_letter.to(torch.uint8)
    assert text(residue_letters(protein)) == "?X?"


def test_letters_that_are_no_residues_warn_and_those_that_are_do_not(recwarn):
    to_protein("MXBZUO")
    assert not recwarn.list
    with pytest.warns(
        UserWarning, match=r"letters '\*-mé' are no residues; TorchDrug takes them for glycine"
    ):
        protein = to_protein("Km-*é")
    assert torch.equal(protein.residue_type[1:], torch.full((4,), Protein.residue_symbol2id["G"]))
    assert protein.num_residue == 5
