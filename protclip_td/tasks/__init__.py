"""Tasks: a model and its losses, nothing else."""

from protclip_td.tasks.pretraining import ProteinTextPretraining

__all__ = ["ProteinTextPretraining"]
