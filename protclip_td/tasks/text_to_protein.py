"""Does a description find the proteins it describes? Asked without training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.compat.settings import name_paths
from protclip_td.errors import InputError
from protclip_td.metrics import ranking_metrics
from protclip_td.tasks.shared_space import embed_proteins, embed_texts, label_texts
from protclip_td.tasks.text_side import prepare_text_side
from protclip_td.tasks.untrained import UntrainedTask


@R.register("tasks.ProteinTextRetrieval")
class ProteinTextRetrieval(UntrainedTask, core.Configurable):
    """Rank proteins by their cosine to the text of a label; those that have the label are right.

    Queries are the labels that some protein of the evaluated split has, candidates all proteins of
    that split. There is nothing to train: run it with ``train: {num_epoch: 0}``.

    Source: ProtST (Xu et al., ICML 2023), section on zero-shot text-to-protein retrieval, which
    shows five examples; the metrics over all labels are ours.

    Parameters:
        model (ProtCLIP): model with both encoders
        labels (list of str, optional): names of the labels in order; by default those that the
            data set names
        template (str, optional): sentence around a name
        recall_at (list of int, optional): ranks for recall
        tokenizer (str, optional): folder or hub name of the text tokenizer, where the model comes
            without, as the published one does

    Raises:
        InputError: a model without text side or tokenizer, or no names for the labels

    A batch holds ``graph`` (packed proteins) and ``targets``, zeros and ones of shape (B, C).

    Example::

        >>> task = ProteinTextRetrieval(model, ["ATP binding"], "FUNCTION: {}.")
    """

    def __init__(
        self,
        model: Any,
        labels: Sequence[str] | None = None,
        template: str = "{}",
        recall_at: Sequence[int] = (1, 10, 20),
        tokenizer: str | Path | None = None,
    ) -> None:
        super().__init__()
        name_paths(self)
        prepare_text_side(model, "ProteinTextRetrieval", tokenizer)
        self.model = model
        self.labels = labels
        self.template = template
        self.recall_at = tuple(recall_at)

    def preprocess(self, train_set: Any, valid_set: Any, test_set: Any) -> None:
        """Take the names of the labels from the data set."""
        self.texts = label_texts(type(self).__name__, self.labels, self.template, test_set)

    def predict(
        self, batch: Mapping[str, Any], all_loss: Tensor | None = None, metric: dict | None = None
    ) -> Tensor:
        """Unit vectors (B, d) of a batch's proteins."""
        return embed_proteins(self.model, batch["graph"])

    def target(self, batch: Mapping[str, Any]) -> Tensor:
        """Labels (B, C) of a batch."""
        return batch["targets"]

    def evaluate(self, pred: Tensor, target: Tensor) -> dict[str, float]:
        """Reciprocal ranks and recall, and the numbers of queries and candidates.

        Raises:
            InputError: another number of labels than texts, or no protein has a label
        """
        if target.shape[1] != len(self.texts):
            raise InputError(
                f"{target.shape[1]} labels, but {len(self.texts)} texts for them. Give `labels` "
                "one name for each label of the data set, in the same order"
            )
        positive = target.T.bool()
        asked = positive.any(dim=1)
        if not asked.any():
            raise InputError(
                "no protein of this split has a label, so there is nothing to find. Evaluate "
                "another split, or check the labels of the data set"
            )
        score = embed_texts(self.model, self.texts).to(pred) @ pred.T
        metric = ranking_metrics(score[asked], positive[asked], self.recall_at)
        return {
            **metric,
            "number of queries": float(asked.sum()),
            "number of candidates": float(len(pred)),
        }
