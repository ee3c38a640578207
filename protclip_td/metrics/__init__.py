"""What tells whether the model has learnt: pure functions of embeddings."""

from protclip_td.metrics.retrieval import retrieval_metrics

__all__ = ["retrieval_metrics"]
