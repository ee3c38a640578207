"""TorchDrug data sets, registered by importing this package."""

from protclip_td.datasets.protanno import ProtAnno
from protclip_td.datasets.protein_table import ProteinTable

__all__ = ["ProtAnno", "ProteinTable"]
