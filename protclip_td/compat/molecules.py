"""Atoms and bonds have the features that TorchDrug was released with.

TorchDrug counts RDKit's kinds of hybridization and stereo when it is imported. RDKit has got more
of both since, so that an atom has 67 numbers and a bond 20 instead of the 66 and 18 that
configurations and weights of the field are made for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rdkit.Chem.rdchem import BondStereo, HybridizationType
from torchdrug.data import feature

_HYBRIDIZATION = ("UNSPECIFIED", "S", "SP", "SP2", "SP3", "SP3D", "SP3D2", "OTHER")
_STEREO = ("STEREONONE", "STEREOANY", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS")
# What the newer kinds counted as before there were names for them.
_SQUARE_PLANAR = {"SP2D": "SP3D"}
_ATROPISOMERS = {"STEREOATROPCW": "STEREONONE", "STEREOATROPCCW": "STEREONONE"}


class _Vocabulary(list):
    """Values in the order of their features; newer ones count as older ones."""

    def __init__(self, kind: Any, names: Iterable[str], newer: Mapping[str, str]) -> None:
        super().__init__(kind.names[name] for name in names)
        known = kind.names.items()
        self.older = {new: kind.names[newer[name]] for name, new in known if name in newer}

    def __contains__(self, value: Any) -> bool:
        return super().__contains__(self.older.get(value, value))

    def index(self, value: Any, *place: Any) -> int:
        return super().index(self.older.get(value, value), *place)


def apply() -> None:
    """Let TorchDrug's features of atoms and bonds be those of its release."""
    feature.hybridization_vocab = _Vocabulary(HybridizationType, _HYBRIDIZATION, _SQUARE_PLANAR)
    feature.bond_stereo_vocab = _Vocabulary(BondStereo, _STEREO, _ATROPISOMERS)
