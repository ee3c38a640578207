"""ESM-2 in transformers' terms: its sizes, its configuration, and new models."""

from typing import TYPE_CHECKING

from protclip_td.compat.modules import torch_modules
from protclip_td.models.esm import MASK_ID, PAD_ID, VOCABULARY

if TYPE_CHECKING:
    from transformers import EsmConfig, EsmModel

#: ESM-2's sizes by TorchDrug's names: layers, width, attention heads.
SIZES = {
    "ESM-2-8M": (6, 320, 20),
    "ESM-2-35M": (12, 480, 20),
    "ESM-2-150M": (30, 640, 20),
    "ESM-2-650M": (33, 1280, 20),
    "ESM-2-3B": (36, 2560, 40),
}


def esm_config(num_layer: int, hidden_size: int, num_head: int) -> "EsmConfig":
    """The configuration of an ESM-2 of the given size."""
    from transformers import EsmConfig

    return EsmConfig(
        vocab_size=len(VOCABULARY),
        mask_token_id=MASK_ID,
        pad_token_id=PAD_ID,
        hidden_size=hidden_size,
        num_hidden_layers=num_layer,
        num_attention_heads=num_head,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=1026,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
    )


def new_esm(config: "EsmConfig") -> "EsmModel":
    """An `EsmModel` with random initial weights from torch's generator."""
    from transformers import EsmModel

    with torch_modules():
        return drop_contact_head(EsmModel(config, add_pooling_layer=False))


def drop_contact_head(model: "EsmModel") -> "EsmModel":
    """Leave out the contact head, whose weights would never get a gradient."""
    del model.contact_head
    return model
