"""Tasks: a model and its losses, nothing else."""

from protclip_td.tasks.cross_modal import CrossModalTransformation
from protclip_td.tasks.multi_label_interaction import MultiLabelInteraction
from protclip_td.tasks.pretraining import ProteinTextPretraining
from protclip_td.tasks.semantic_similarity import SemanticSimilarity
from protclip_td.tasks.text_to_protein import ProteinTextRetrieval
from protclip_td.tasks.zero_shot import ZeroShotClassification

__all__ = [
    "CrossModalTransformation",
    "MultiLabelInteraction",
    "ProteinTextPretraining",
    "ProteinTextRetrieval",
    "SemanticSimilarity",
    "ZeroShotClassification",
]
