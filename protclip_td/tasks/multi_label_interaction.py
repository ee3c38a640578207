"""Which types of action two proteins have on each other, in the light of their network."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchdrug import core, tasks
from torchdrug.core import Registry as R

from protclip_td.compat.metrics import criterion_name
from protclip_td.metrics import area_under_prc, micro_f1
from protclip_td.models.weights_version import KeptValue
from protclip_td.tasks.multi_label_interaction_gin import InteractionHead, Neighbours
from protclip_td.tasks.protein_vectors import check_fixed, graph_behind, protein_vectors


@R.register("tasks.MultiLabelInteraction")
class MultiLabelInteraction(tasks.Task, core.Configurable):
    """Predict the types of action between pairs of proteins of one network.

    The encoder gives each protein a vector, once, before the first step. What is trained is the
    head of GNN-PPI on top: one graph isomorphism convolution (GIN) over the network's messages,
    and a classifier of the product of two proteins. Which pairs carry messages is the data set's
    decision (`message_pairs`).

    Source: ProtCLIP (Zhou et al., AAAI 2025), protein-protein interaction; GNN-PPI (Lv et al.,
    IJCAI 2021) for head and protocol.

    Parameters:
        model (nn.Module): any protein encoder with a `graph_feature`, fixed
        node_dim (int, optional): width of a protein in front of the convolution
        hidden_dim (int, optional): width from the convolution on
        dropout (float, optional): share of the features left out in training

    Raises:
        InputError: the data set is no network, or the encoder is to be trained

    A batch holds ``node1`` and ``node2``, proteins of shape :math:`(B,)`, and ``targets`` of
    shape :math:`(B, C)`.

    Example::

        >>> model = ProtCLIP("random:ESM-2-8M").requires_grad_(False)
        >>> task = MultiLabelInteraction(model)
    """

    #: Lets the run keep the encoder's vectors on disk.
    reads_only_graph_feature = True
    #: What the progress counts.
    unit = "pairs"

    def __init__(
        self, model: Any, node_dim: int = 256, hidden_dim: int = 512, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.model = model
        self.node_dim = node_dim
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self._dataset: Any = None

    def preprocess(self, train_set: Any, valid_set: Any, test_set: Any) -> None:
        """Take up the network, and make the head."""
        expected = "a network of proteins, datasets.STRINGActions"
        dataset = graph_behind(train_set, "message_pairs", type(self).__name__, expected)
        if dataset is self._dataset:
            return  # TorchDrug's engine calls this once more, and the head must stay the same
        self._dataset = dataset
        # Computed at first use, where the device is known, and again after other weights came.
        self._vectors: KeptValue[Tensor] = KeptValue()
        self._encoded: KeptValue[Tensor] = KeptValue()
        self._neighbours = Neighbours(dataset.message_pairs(), len(dataset.sequences))
        self.head = InteractionHead(
            self.model.output_dim, len(dataset.tasks), self.node_dim, self.hidden_dim, self.dropout
        )

    def train(self, mode: bool = True) -> "MultiLabelInteraction":
        """Switch between training and evaluation; the network is then encoded anew."""
        self._encoded = KeptValue()
        return super().train(mode)

    def forward(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Binary cross entropy of a batch.

        Returns:
            the loss, and the same under its name
        """
        loss = F.binary_cross_entropy_with_logits(self.predict(batch), self.target(batch))
        return loss, {criterion_name("bce"): loss.detach()}

    def predict(
        self, batch: Mapping[str, Tensor], all_loss: Tensor | None = None, metric: Any = None
    ) -> Tensor:
        """Logits of the pairs, :math:`(B, C)`."""
        return self.head(self._encode(), batch["node1"], batch["node2"])

    def target(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Zeros and ones, :math:`(B, C)`."""
        return batch["targets"]

    def evaluate(self, pred: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Micro-F1 where the probability is above one half, and the area under the PR curve."""
        loss = F.binary_cross_entropy_with_logits(pred, target)
        return {
            "micro_f1": micro_f1(pred, target),
            "auprc@micro": area_under_prc(pred.flatten(), target.flatten()),
            criterion_name("bce"): loss,
        }

    def _encode(self) -> Tensor:
        """All proteins in the light of their neighbours; in evaluation the same for all batches."""
        if self.training:
            return self._encode_anew()
        return self._encoded.get([self], self._encode_anew)

    def _encode_anew(self) -> Tensor:
        vectors = self._vectors.get([self.model], self._compute_vectors)
        return self.head.encode(vectors, self._neighbours)

    # A training that comes after an evaluation in inference mode uses them, too.
    @torch.inference_mode(False)
    def _compute_vectors(self) -> Tensor:
        check_fixed(self.model, type(self).__name__)
        device = self.head.epsilon.device
        return protein_vectors(self.model, self._dataset.sequences, device)
