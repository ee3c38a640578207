"""Molecules have the features that configurations and weights of the field expect."""

import pytest
import torch
from rdkit.Chem.rdchem import BondStereo, HybridizationType
from torchdrug import data, models
from torchdrug.data import feature

KINDS = ["UNSPECIFIED", "S", "SP", "SP2", "SP3", "SP3D", "SP3D2", "OTHER"]


def test_features_are_as_wide_as_in_torchdrugs_release():
    molecule = data.Molecule.from_smiles("C/C=C/C#N")
    assert molecule.node_feature.shape == (5, 66)
    assert molecule.edge_feature.shape == (8, 18)
    found = models.GIN(66, [4])(molecule, molecule.node_feature.float())
    assert found["graph_feature"].shape == (1, 4)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_a_place_of_its_own(name):
    place = feature.onehot(HybridizationType.names[name], feature.hybridization_vocab)
    assert place == [int(kind == name) for kind in KINDS]


@pytest.mark.parametrize(
    ("vocabulary", "newer", "older"),
    [
        ("hybridization_vocab", HybridizationType.SP2D, HybridizationType.SP3D),
        ("bond_stereo_vocab", BondStereo.STEREOATROPCW, BondStereo.STEREONONE),
        ("bond_stereo_vocab", BondStereo.STEREOATROPCCW, BondStereo.STEREONONE),
    ],
)
def test_newer_kinds_count_as_what_they_were_before(vocabulary, newer, older):
    words = getattr(feature, vocabulary)
    assert feature.onehot(newer, words) == feature.onehot(older, words)


def test_nothing_else_of_an_atom_changes():
    atoms = data.Molecule.from_smiles("CCO").node_feature
    assert torch.equal(atoms.sum(dim=-1), torch.full((3,), 7.0))
