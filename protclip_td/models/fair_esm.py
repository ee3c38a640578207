"""Reads ESM-2 weights from the `.pt` files of fair-esm, which TorchDrug's users have."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from protclip_td.errors import InputError
from protclip_td.models.esm_config import esm_config, new_esm
from protclip_td.models.tensors import load_tensors

if TYPE_CHECKING:
    from transformers import EsmModel

# How fair-esm calls what transformers calls otherwise; the order matters.
_NAMES = (
    ("embed_tokens.", "embeddings.word_embeddings."),
    ("emb_layer_norm_after.", "encoder.emb_layer_norm_after."),
    (".self_attn_layer_norm.", ".attention.LayerNorm."),
    (".self_attn.q_proj.", ".attention.self.query."),
    (".self_attn.k_proj.", ".attention.self.key."),
    (".self_attn.v_proj.", ".attention.self.value."),
    (".self_attn.out_proj.", ".attention.output.dense."),
    (".final_layer_norm.", ".LayerNorm."),
    (".fc1.", ".intermediate.dense."),
    (".fc2.", ".output.dense."),
)
_FREQUENCIES = "rotary_embeddings.inv_freq"
# In the order of `esm_config`.
_SETTINGS = ("encoder_layers", "encoder_embed_dim", "encoder_attention_heads")


def read_fair_esm(path: Path) -> "EsmModel":
    """Read a `.pt` file of fair-esm, as TorchDrug's `models.ESM` downloads them.

    The heads for masked language modelling and for contacts are left out.

    Raises:
        InputError: the file is missing, damaged, or not an ESM-2
    """
    if not path.is_file():
        raise InputError(f"protein_encoder {str(path)!r}: there is no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # one wrong byte can make torch stumble over anything
        raise InputError(f"protein_encoder {str(path)!r} cannot be read: {error}") from error
    settings, tensors = _get(_get(content, "cfg"), "model"), _get(content, "model")
    if not isinstance(tensors, dict) or not all(hasattr(settings, name) for name in _SETTINGS):
        raise InputError(
            f"protein_encoder {str(path)!r} is not an ESM-2 of fair-esm: expected a file such as "
            "esm2_t33_650M_UR50D.pt, with its settings under 'cfg' and its tensors under 'model'"
        )
    model = new_esm(esm_config(*(getattr(settings, name) for name in _SETTINGS)))
    frequencies = {_FREQUENCIES: model.state_dict()[_FREQUENCIES]}
    load_tensors(model, {**frequencies, **_rename(tensors)}, str(path))
    return model


def _get(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, dict) else None


def _rename(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fair-esm's tensors under transformers' names."""
    renamed = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("encoder.").removeprefix("sentence_encoder.")
        if name.startswith("layers."):
            name = "encoder.layer." + name.removeprefix("layers.")
        if "rot_emb.inv_freq" in name:
            name = _FREQUENCIES
        for theirs, ours in _NAMES:
            name = name.replace(theirs, ours)
        renamed[name] = tensor
    return renamed
