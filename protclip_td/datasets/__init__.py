"""TorchDrug data sets, registered by importing this package."""

from protclip_td.datasets.protanno import ProtAnno

__all__ = ["ProtAnno"]
