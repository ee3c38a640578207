"""Tasks: a model and its losses, nothing else."""

from protclip_td.tasks.cross_modal import CrossModalTransformation
from protclip_td.tasks.multi_label_interaction import MultiLabelInteraction
from protclip_td.tasks.pretraining import ProteinTextPretraining
from protclip_td.tasks.semantic_similarity import SemanticSimilarity

__all__ = [
    "CrossModalTransformation",
    "MultiLabelInteraction",
    "ProteinTextPretraining",
    "SemanticSimilarity",
]
