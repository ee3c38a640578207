"""Proteins that remember their letters, and forget those that are changed."""

import pickle

import pytest
import torch
from helpers import assert_equal_packs
from rdkit import Chem
from torchdrug.data import PackedProtein, Protein

from protclip_td.data.proteins import RESIDUES_ONLY, residue_letters, to_pack, to_protein
from protclip_td.errors import InputError


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


@pytest.fixture
def real_sequences(sample_entries):
    """Real ones, and one of the letters that TorchDrug does not know, some of one residue."""
    return ["X", *(entry.sequence for entry in sample_entries[:12]), "MXBZUO", "K"]


def test_a_pack_in_one_go_holds_all_that_a_pack_of_single_proteins_holds(real_sequences):
    expected = Protein.pack([to_protein(sequence) for sequence in real_sequences])
    pack = to_pack(real_sequences)
    assert_equal_packs(pack, expected)
    assert_equal_packs(PackedProtein.from_sequence(real_sequences, **RESIDUES_ONLY), expected)
    assert pack.edge_list.shape == (0, 3)
    assert pack.batch_size == len(pack) == len(real_sequences)
    for name in ("node_feature", "residue2graph", "node2graph", "edge2graph", "num_nodes"):
        assert torch.equal(getattr(pack, name), getattr(expected, name)), name


@pytest.mark.parametrize("sequences", [["M"], ["", "M"], ["MK", ""]])
def test_a_pack_of_one_protein_or_with_one_of_no_residues(sequences):
    assert_equal_packs(to_pack(sequences), Protein.pack([to_protein(each) for each in sequences]))


@pytest.mark.parametrize(
    "change",
    [
        lambda pack: pack[2],
        lambda pack: pack[1:4],
        lambda pack: pack[[5, 0]],
        lambda pack: pack.subresidue([0, 3, 700]),
        lambda pack: pack.residue_mask([0, 3, 700], compact=True),
        lambda pack: pack.graph_mask([1, 3], compact=True),
        lambda pack: pack.repeat(2),
        lambda pack: pack.merge([0, 0] + [1] * (len(pack) - 2)),
        lambda pack: Protein.pack([to_protein("GA"), *pack.unpack()]),
        lambda pack: pickle.loads(pickle.dumps(pack)),
    ],
)
def test_a_pack_in_one_go_can_be_cut_masked_and_unpacked_like_the_other(real_sequences, change):
    expected = Protein.pack([to_protein(sequence) for sequence in real_sequences])
    assert_equal_packs(change(to_pack(real_sequences)), change(expected))


def test_a_pack_warns_of_the_letters_of_each_sequence_and_says_where():
    with pytest.warns(UserWarning, match="are no residues; TorchDrug takes them") as said:
        pack = to_pack(["MK", "Km*", "X-é"])
    given = [str(each.message).split(" are")[0] for each in said]
    assert given == ["letters '*m'", "letters '-é'"]
    assert {each.filename for each in said} == {__file__}
    assert text(residue_letters(pack)) == "MKKm*X-?"


def test_a_pack_of_nothing_is_refused():
    with pytest.raises(InputError, match="no sequences given; expected at least one"):
        to_pack([])
