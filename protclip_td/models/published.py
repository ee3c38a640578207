"""The layout of the published checkpoint: names of tensors, fields of the config.

The published file also has tensors that nothing reads; they are kept aside and written back.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from protclip_td.models.protclip import ProtCLIP

# Our names on the left, the published ones on the right.
_PREFIXES = (
    ("protein_encoder.model.", "protein_model."),
    ("text_encoder.model.", "text_model."),
    ("reconstruction_head.", "t2p_mlm_head."),
    ("biotext_attention.", "decoder."),
    ("property_bank.", "proto_bank."),
)
# The hub names of ESM-2 by its layers.
_HUB_NAMES = {
    6: "facebook/esm2_t6_8M_UR50D",
    12: "facebook/esm2_t12_35M_UR50D",
    30: "facebook/esm2_t30_150M_UR50D",
    33: "facebook/esm2_t33_650M_UR50D",
    36: "facebook/esm2_t36_3B_UR50D",
}
_ROTARY = "protein_model.rotary_embeddings.inv_freq"
_LAYER_ROTARY = "protein_model.encoder.layer.{}.attention.self.rotary_embeddings.inv_freq"
# The fields of the published config that describe its training; only written, never read.
_FIELDS: dict[str, Any] = {
    "architectures": ["FSTForPretrain"],
    "model_type": "FST",
    "fusion_batch_norm": True,
    "fusion_num_heads": 8,
    "fusion_num_layers": 1,
    "local_contrast": 1,
    "local_logit_scale_init": 0.1,
    "local_pool": "avg",
    "logit_scale_init": 0.07,
    "mlp_num_layers": 2,
    "mmp": 0,
    "protein_mask_probability": 0.15,
    "t2p_mlm": 1,
    "text_mask_probability": 0.15,
    "torch_dtype": "float32",
}


def published_name(name: str) -> str:
    """The published name of one of our tensors.

    Example::

        >>> published_name("property_bank.prototype.weight")
        'proto_bank.prototype.weight'
    """
    for ours, published in _PREFIXES:
        if name.startswith(ours):
            return published + name.removeprefix(ours)
    return name


def to_our_names(model: "ProtCLIP", published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published checkpoint's tensors under our names; those that nothing reads are left out."""
    tensors = dict(published)
    if "local_logit_scale" in tensors:
        tensors["local_logit_scale"] = tensors["local_logit_scale"].flatten()[0]
    ours = {published_name(name): name for name in model.state_dict()}
    # Every layer has the same frequencies; transformers keeps them once.
    computed = model.state_dict()[ours[_ROTARY]]
    tensors.setdefault(_ROTARY, tensors.get(_LAYER_ROTARY.format(0), computed))
    return {ours[name]: tensor for name, tensor in tensors.items() if name in ours}


def unread(model: "ProtCLIP", published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a published checkpoint of which something is not read, by published name."""
    read = {published_name(name) for name in model.state_dict()} - {"local_logit_scale"}
    return {name: tensor for name, tensor in published.items() if name not in read}


def published_tensors(model: "ProtCLIP") -> dict[str, Tensor]:
    """All tensors of the published layout, on the CPU, contiguous, none sharing memory."""
    tensors = {published_name(name): t for name, t in model.state_dict().items()}
    rotary = tensors.pop(_ROTARY)
    for i in range(model.protein_encoder.model.config.num_hidden_layers):
        tensors[_LAYER_ROTARY.format(i)] = rotary
    unused = {**_placeholders(model), **model.unused_tensors}
    if "local_logit_scale" in tensors:
        first = tensors["local_logit_scale"].cpu().reshape(1)
        tensors["local_logit_scale"] = torch.cat([first, unused["local_logit_scale"][1:]])
    tensors = {**unused, **tensors}
    return {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}


def _placeholders(model: "ProtCLIP") -> dict[str, Tensor]:
    """Zeros in place of the tensors that the published file has and nothing reads.

    With them a strict reader of the published layout finds all it expects.
    """
    config = model.protein_encoder.model.config
    width = config.hidden_size
    heads = config.num_hidden_layers * config.num_attention_heads
    shapes: dict[str, tuple[int, ...]] = {
        "protein_model.contact_head.regression.weight": (1, heads),
        "protein_model.contact_head.regression.bias": (1,),
        "protein_model.embeddings.position_embeddings.weight": (
            config.max_position_embeddings,
            width,
        ),
        **_linear("protein_model.pooler.dense", width, width),
    }
    if model.text_encoder is not None:
        width, d = model.text_encoder.hidden_size, model.projection_dim
        shapes |= _linear("text_model.pooler.dense", width, width)
        for part in ("key1", "key2", "query1", "query2", "value1", "value2"):
            shapes |= _linear(f"local_cross_attention.{part}", d, d)
        shapes |= _linear("predictor.0", d, d // 2) | _linear("predictor.2", d // 2, d)
    zeros = {name: torch.zeros(shape) for name, shape in shapes.items()}
    return {**zeros, "local_logit_scale": torch.full((2,), math.log(1 / 0.1))}


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a linear layer's two tensors."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def published_config(model: "ProtCLIP") -> dict[str, Any]:
    """`config.json` of the published layout."""
    fields = {**_FIELDS, **model.config_fields}
    protein = model.protein_encoder.model.config
    name = _HUB_NAMES.get(protein.num_hidden_layers, "")
    fields["protein_model_config"] = _encoder_config(fields, "protein_model_config", protein, name)
    if model.text_encoder is not None:
        text = model.text_encoder.model.config
        d = model.projection_dim
        fields["text_model_config"] = _encoder_config(fields, "text_model_config", text, "")
        fields["hidden_sizes"] = [model.protein_encoder.hidden_size, text.hidden_size, d]
        fields |= {"projection_dim": d, "proto_dim": d, "proto_num": model.num_prototype}
    return fields


def _encoder_config(fields: dict[str, Any], key: str, config: Any, name: str) -> dict[str, Any]:
    """An encoder's config with the fields it had; the released code builds it by its name."""
    former = fields.get(key, {})
    name = former.get("_name_or_path") or getattr(config, "_name_or_path", "") or name
    return {**former, **config.to_dict(), "_name_or_path": name}
