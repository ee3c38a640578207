"""What tells whether a model has learnt: pure functions of tensors.

Importing this package puts `f1_max`, `area_under_prc`, `area_under_roc` and `spearmanr` in the
place of TorchDrug's, which are wrong on ties and on constant predictions (see docs/metrics.md).
"""

from protclip_td.metrics.classification import area_under_prc, area_under_roc, f1_max, micro_f1
from protclip_td.metrics.correlation import spearmanr
from protclip_td.metrics.embedding import embedding_similarities, similarity_correlation
from protclip_td.metrics.ranking import RankingSums, Ranks, rank_positives, ranking_metrics
from protclip_td.metrics.retrieval import retrieval_metrics

__all__ = [
    "RankingSums",
    "Ranks",
    "area_under_prc",
    "area_under_roc",
    "embedding_similarities",
    "f1_max",
    "micro_f1",
    "rank_positives",
    "ranking_metrics",
    "retrieval_metrics",
    "similarity_correlation",
    "spearmanr",
]
