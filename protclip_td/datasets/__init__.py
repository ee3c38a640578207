"""TorchDrug data sets, registered by importing this package."""

from protclip_td.datasets.deepfri import ECSequences, GOSequences
from protclip_td.datasets.flip import AAV, Thermostability
from protclip_td.datasets.prime_kg import PrimeKG
from protclip_td.datasets.probe import PROBE
from protclip_td.datasets.protanno import ProtAnno
from protclip_td.datasets.protein_table import ProteinTable
from protclip_td.datasets.reaction import Reaction
from protclip_td.datasets.sampler import PropertyDrivenSampler
from protclip_td.datasets.string_actions import STRINGActions

__all__ = [
    "AAV",
    "PROBE",
    "ECSequences",
    "GOSequences",
    "PrimeKG",
    "PropertyDrivenSampler",
    "ProtAnno",
    "ProteinTable",
    "Reaction",
    "STRINGActions",
    "Thermostability",
]
