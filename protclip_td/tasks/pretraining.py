"""ProtCLIP's pretraining: three passes over each protein, four losses."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torchdrug import core, tasks
from torchdrug.core import Registry as R

from protclip_td.checks import check_positive
from protclip_td.compat.metrics import criterion_name
from protclip_td.data.digests import text_digest
from protclip_td.errors import InputError
from protclip_td.losses import (
    add_and_normalise,
    alignment_loss,
    attend_to_biotext,
    check_lengths,
    check_rate,
    check_temperature,
    check_threshold,
    contrastive_loss,
    gumbel_noise,
    mask_residues,
    mask_segments,
    masked_residue_loss,
    owners,
)
from protclip_td.metrics.retrieval import retrieval_metrics
from protclip_td.models.esm import MASK_ID
from protclip_td.models.packing import check_not_empty, packed_mean

LossName = Literal["contrastive", "bsr", "mlm", "pda"]
#: All losses that `criterion` may name.
LOSSES: tuple[LossName, ...] = get_args(LossName)

#: Weights of the four losses (paper: other weights let BSR and MLM disturb each other).
PAPER_CRITERION: dict[LossName, float] = {"contrastive": 1.0, "bsr": 0.7, "mlm": 0.3, "pda": 1.0}


@R.register("tasks.ProteinTextPretraining")
class ProteinTextPretraining(tasks.Task, core.Configurable):
    r"""Pretrain ProtCLIP on pairs of protein and biotext.

    .. math::
        \ell = \ell_{GC} + 0.7\,\ell_{BSR} + 0.3\,\ell_{MLM} + \ell_{PDA}

    A protein goes through its encoder three times: as it is (global contrast and PDA), with single
    residues masked (MLM), and with segments masked (BSR). The three run as one call, in which the
    copies of a protein lie side by side and pad each other not at all. A loss that is left out of
    `criterion` takes its pass with it.

    Source: ProtCLIP (Zhou et al., AAAI 2025), section Pre-training Objectives.

    Parameters:
        model (ProtCLIP): model with both encoders
        criterion (str, list or dict, optional): weight of each loss, 1 where names alone are given;
            leave some out for an ablation. Names are ``contrastive`` (global contrast), ``bsr``
            (biotext-guided static segment reconstruction), ``mlm`` (masked residues) and ``pda``
            (property-grouped dynamic segment alignment).
        mask_rate (float, optional): share of the residues masked for MLM and for BSR
        segment_length (list of int, optional): shortest and longest segment for BSR, in residues
        prototype_temperature (float, optional): τ of the softmax over the memory bank (PDA)
        sparsity_threshold (float, optional): θ, below which a residue does not count for a
            property (PDA); works between 0.1 and 0.6 (paper)

    Raises:
        InputError: an unknown loss, an option out of range, or a model without a text side

    A batch holds ``graph`` (packed proteins), ``biotext`` (list of str), ``property_text`` (dict of
    list of str, "" where the property is absent), ``accession`` and ``index``.

    Example::

        >>> task = ProteinTextPretraining(model, criterion={"contrastive": 1.0, "pda": 1.0})
        >>> loss, metric = task(batch)
        >>> sorted(metric)
        ['contrastive loss', 'pda loss']
    """

    # TorchDrug's Task makes a dict of weights out of these options, given as a name or a list.
    _option_members = {"criterion"}  # noqa: RUF012
    criterion: dict[str, float]

    #: Contrast needs a second pair to tell a protein's own text from.
    min_batch_size = 2
    #: What the progress counts.
    unit = "pairs"

    def __init__(
        self,
        model: Any,
        criterion: LossName | Sequence[LossName] | dict[LossName, float] | None = None,
        mask_rate: float = 0.15,
        segment_length: Sequence[int] = (5, 10),
        prototype_temperature: float = 0.9,
        sparsity_threshold: float = 0.3,
    ) -> None:
        super().__init__()
        self.model = model
        self.criterion = PAPER_CRITERION if criterion is None else criterion  # type: ignore[assignment]
        self.criterion = dict(self.criterion)
        self.mask_rate = mask_rate
        self.segment_length = tuple(segment_length)
        self.prototype_temperature = prototype_temperature
        self.sparsity_threshold = sparsity_threshold
        self._check()

    def _check(self) -> None:
        unknown = sorted(set(self.criterion) - set(LOSSES))
        if unknown or not self.criterion:
            raise InputError(
                f"criterion: {unknown or 'nothing'} given; expected some of {list(LOSSES)}"
            )
        for name, weight in self.criterion.items():
            check_positive(f"criterion: {name}", weight)
        check_rate("mask_rate", self.mask_rate)
        check_lengths("segment_length", self.segment_length)
        check_temperature("prototype_temperature", self.prototype_temperature)
        check_threshold("sparsity_threshold", self.sparsity_threshold)
        if getattr(self.model, "text_encoder", None) is None:
            raise InputError(
                "ProteinTextPretraining needs a model with a text encoder: give ProtCLIP a "
                "`text_encoder` or a `checkpoint`"
            )

    def forward(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Losses of a batch.

        Returns:
            the weighted sum, and the unweighted losses by name
        """
        _, terms = self._embed_and_compare(batch, torch.default_generator)
        loss = torch.stack([self.criterion[name] * term for name, term in terms.items()]).sum()
        metric = {criterion_name(name): term.detach() for name, term in terms.items()}
        return loss, metric

    def predict(
        self, batch: Mapping[str, Any], all_loss: Tensor | None = None, metric: dict | None = None
    ) -> dict[str, Tensor]:
        """Embeddings and losses of a batch, as tensors that batches can be concatenated of.

        Masks are drawn from a seed of the batch, so that the losses of two epochs compare the same
        masks and the training's random numbers are left alone. Negatives are the rank's own.
        """
        generator = torch.Generator().manual_seed(int(batch["index"][0]))
        embeddings, terms = self._embed_and_compare(batch, generator)
        num_pair = torch.full((1,), float(len(batch["biotext"])), device=self.device)
        return {
            **embeddings,
            "num_pair": num_pair,
            **{name: term.detach().reshape(1) for name, term in terms.items()},
        }

    def target(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Row and identity of the biotext, by which equal texts are known as equal."""
        # Equal texts are known by 63 bits, the same on every machine.
        groups = [text_digest(text) >> 1 for text in batch["biotext"]]
        return {
            "index": batch["index"].to(self.device),
            "text_group": torch.tensor(groups, device=self.device),
        }

    def evaluate(self, pred: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, float]:
        """Retrieval in both directions beside chance, and the mean losses.

        With several processes TorchDrug's own engine repeats some rows to even them out; each row
        counts once in the retrieval. Ours gives each row once.
        """
        _, first = np.unique(target["index"].cpu(), return_index=True)
        metric = retrieval_metrics(
            pred["protein"][first], pred["text"][first], target["text_group"][first]
        )
        share = pred["num_pair"] / pred["num_pair"].sum()
        losses = {name: float((pred[name] * share).sum()) for name in self.criterion}
        metric.update({criterion_name(name): loss for name, loss in losses.items()})
        metric["loss"] = sum(self.criterion[name] * loss for name, loss in losses.items())
        return metric

    def _embed_and_compare(
        self, batch: Mapping[str, Any], generator: torch.Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Shared embeddings (B, d) of both sides and the losses asked for."""
        sizes = batch["graph"].num_residues
        check_not_empty(sizes)
        hidden, masks, tokens = self._encode_views(batch["graph"], generator)
        text_hidden, text_sizes = self.model.text_encoder.token_states(batch["biotext"])
        embeddings = {
            "protein": self.model.protein_projection(packed_mean(hidden["clean"], sizes)),
            "text": self.model.text_projection(packed_mean(text_hidden, text_sizes)),
        }
        terms = {}
        if "contrastive" in self.criterion:
            # Ranks evaluate unequal shares, and cannot wait for each other's pairs.
            terms["contrastive"] = contrastive_loss(
                **embeddings, logit_scale=self.model.logit_scale, across_ranks=self.training
            )
        if "bsr" in self.criterion:
            terms["bsr"] = self._reconstruction(
                hidden["bsr"], masks["bsr"], tokens, sizes, text_hidden, text_sizes
            )
        if "mlm" in self.criterion:
            logits = self.model.mlm_head(hidden["mlm"][masks["mlm"]])
            terms["mlm"] = masked_residue_loss(logits, tokens[masks["mlm"]])
        if "pda" in self.criterion:
            terms["pda"] = self._alignment(hidden["clean"], sizes, batch["property_text"])
        return embeddings, terms

    def _encode_views(
        self, graph: Any, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
        """Hidden states (N, d_p) of each view, the views' masks (N,), the tokens (N,)."""
        tokens = self.model.residue_tokens(graph)
        sizes = graph.num_residues
        views, masks = {"clean": tokens}, {}
        if "mlm" in self.criterion:
            masks["mlm"] = mask_residues(sizes, self.mask_rate, generator)
        if "bsr" in self.criterion:
            masks["bsr"] = mask_segments(
                sizes, self.mask_rate, *self.segment_length, generator=generator
            )
        for name, mask in masks.items():
            views[name] = tokens.masked_fill(mask, MASK_ID)
        hidden = self.model.protein_encoder(
            torch.cat(list(views.values())), sizes.repeat(len(views))
        )
        return dict(zip(views, hidden.split(len(tokens)))), masks, tokens

    def _reconstruction(
        self,
        hidden: Tensor,
        mask: Tensor,
        tokens: Tensor,
        sizes: Tensor,
        text_hidden: Tensor,
        text_sizes: Tensor,
    ) -> Tensor:
        """BSR: the masked residues ask their biotext what they were."""
        residue = self.model.protein_projection(hidden[mask])
        text = self.model.text_projection(text_hidden)
        query, key, value = self.model.biotext_attention(residue, text)
        attended = attend_to_biotext(query, owners(sizes)[mask], key, value, text_sizes)
        logits = self.model.reconstruction_head(add_and_normalise(residue, attended))
        return masked_residue_loss(logits, tokens[mask])

    def _alignment(
        self, hidden: Tensor, sizes: Tensor, property_text: Mapping[str, Sequence[str]]
    ) -> Tensor:
        """PDA: the residues that matter for a property against that property's text."""
        texts, owner = _present_properties(property_text)
        prototypes = self.model.property_bank()
        noise = None
        if self.training:
            noise = gumbel_noise((len(texts), len(prototypes)), torch.default_generator)
        return alignment_loss(
            self.model.protein_projection(hidden),
            sizes,
            self.model.text_projection(self.model.text_encoder.means(texts)),
            torch.tensor(owner, dtype=torch.long, device=sizes.device),
            prototypes,
            self.model.local_logit_scale,
            temperature=self.prototype_temperature,
            threshold=self.sparsity_threshold,
            noise=noise,
        )


def _present_properties(
    property_text: Mapping[str, Sequence[str]],
) -> tuple[list[str], list[int]]:
    """Texts of all present properties, protein by protein, and the protein each belongs to."""
    rows = enumerate(zip(*property_text.values()))
    present = [(text, protein) for protein, row in rows for text in row if text]
    return [text for text, _ in present], [protein for _, protein in present]
