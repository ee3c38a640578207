"""Do proteins of similar function get similar embeddings? Measured, not trained."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.metrics import similarity_correlation
from protclip_td.tasks.untrained import UntrainedTask


@R.register("tasks.SemanticSimilarity")
class SemanticSimilarity(UntrainedTask, core.Configurable):
    """Compare the embeddings of a model with the similarity of the proteins' annotations.

    Over all pairs of proteins with a known similarity, Spearman's correlation of that and the
    similarity of the two embeddings, three ways: Manhattan (PROBE's headline), cosine and
    Euclidean. There is nothing to train: run it with ``train: {num_epoch: 0}``.

    Source: PROBE (Unsal et al., Nature Machine Intelligence 2022), semantic similarity inference.

    Parameters:
        model (nn.Module): protein representation model; its ``graph_feature`` is what counts

    A batch holds ``graph`` (packed proteins), ``similarity`` ((B, n), to all proteins, NaN where
    unknown) and ``index`` (place among the n).

    Example::

        >>> task = SemanticSimilarity(model)
        >>> known = {"similarity": torch.rand(5, 5), "index": torch.arange(5)}
        >>> list(task.evaluate(torch.randn(5, 8), known))
        ['spearmanr [manhattan]', 'spearmanr [cosine]', 'spearmanr [euclidean]', 'number of pairs']
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def predict(
        self, batch: Mapping[str, Any], all_loss: Tensor | None = None, metric: dict | None = None
    ) -> Tensor:
        """Embeddings of a batch, (B, d)."""
        graph = batch["graph"]
        output = self.model(graph, graph.node_feature.float(), all_loss=all_loss, metric=metric)
        return output["graph_feature"]

    def target(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Similarities to all proteins, (B, n), and the places among them, (B,)."""
        return {"similarity": batch["similarity"], "index": batch["index"]}

    def evaluate(self, pred: Tensor, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Spearman's correlation by similarity of embeddings, and the number of pairs."""
        # With several processes TorchDrug's sampler repeats some rows to even them out.
        rows = {int(index): row for row, index in enumerate(target["index"].tolist())}
        order = torch.tensor([rows[index] for index in sorted(rows)], device=pred.device)
        similarity = target["similarity"][order][:, target["index"][order]]
        found = similarity_correlation(pred[order], similarity)
        num_pair = float((~similarity.isnan()).triu(1).sum())
        scores = {f"spearmanr [{name}]": score for name, score in found.items()}
        return {name: torch.tensor(score) for name, score in scores.items()} | {
            "number of pairs": torch.tensor(num_pair)
        }
