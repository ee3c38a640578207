"""ESM-2's forward pass on the weights of a transformers `EsmModel`, with little memory.

`EsmModel`'s own forward gives the same numbers, but its GELU keeps three more activations for the
backward pass, and its rotary embedding copies queries and keys to float32 in every layer. The
modules and the names of their weights stay those of transformers.
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from protclip_td.models.packing import at_least_float32

#: ESM-2's tokens, in the order of their ids.
VOCABULARY = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>",
              "<mask>")  # fmt: skip
CLS_ID, PAD_ID, EOS_ID, UNKNOWN_ID, MASK_ID = 0, 1, 2, 3, 32
# ESM-2 was trained with 15 % of the tokens chosen, of which 80 % became <mask>.
_MASKED_IN_TRAINING = 0.15 * 0.8

# On a CPU, fused attention with narrower heads takes up to 1.7 times as long in bf16 as in fp32.
_WIDE_HEAD = 64


def hidden_states(
    model: Any, token_ids: Tensor, mask: Tensor | None, checkpointing: bool = False
) -> Tensor:
    """The last hidden states of a padded batch.

    Parameters:
        model (EsmModel): the weights
        token_ids (Tensor): :math:`(b, t)`
        mask (Tensor, optional): :math:`(b, t)` bool, true at real tokens; None if all are
        checkpointing (bool, optional): keep one activation per layer for the backward pass and
            compute the others again

    Returns:
        Tensor of shape :math:`(b, t, d_p)`, padding included
    """
    states = embed(model, token_ids, mask)
    cos, sin = rotations(model, token_ids.shape[1])
    attended = None if mask is None else mask[:, None, None, :]
    for layer in model.encoder.layer:
        if checkpointing and torch.is_grad_enabled():
            states = checkpoint(run_layer, layer, states, cos, sin, attended, use_reentrant=False)
        else:
            states = run_layer(layer, states, cos, sin, attended)
    return model.encoder.emb_layer_norm_after(states)


def embed(model: Any, token_ids: Tensor, mask: Tensor | None) -> Tensor:
    """Embed the tokens; <mask> is a zero, for which the others of its protein make up.

    Each protein is scaled by the share of <mask> among its own tokens, so that its embeddings are
    on average as large as they were in ESM-2's training ("token dropout").

    Returns:
        Tensor of shape :math:`(b, t, d_p)`, zero at padding
    """
    states = model.embeddings.word_embeddings(token_ids)
    if model.config.token_dropout:
        masked = token_ids == MASK_ID
        lengths = token_ids.shape[1] if mask is None else mask.sum(-1)
        scale = (1 - _MASKED_IN_TRAINING) / (1 - masked.sum(-1) / lengths)
        states = states * (scale.to(states.dtype).unsqueeze(-1) * ~masked).unsqueeze(-1)
    return states if mask is None else states * mask.unsqueeze(-1)


def rotations(model: Any, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding, each of shape :math:`(t, 1, d_{head})`."""
    frequencies = model.rotary_embeddings.inv_freq
    if frequencies.dtype in (torch.bfloat16, torch.float16):
        # `model.bfloat16()` rounds them, which turns distant residues by quite other angles.
        exact, _ = model.rotary_embeddings.compute_default_rope_parameters(model.config)
        frequencies = exact.to(frequencies.device)
    places = torch.arange(length, device=frequencies.device, dtype=frequencies.dtype)
    angles = torch.outer(places, frequencies).repeat(1, 2).unsqueeze(1)
    return angles.cos(), angles.sin()


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate queries or keys of shape :math:`(b, t, heads, d_{head})` by their places."""
    first, second = states.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return states * cos.to(states.dtype) + turned * sin.to(states.dtype)


def run_layer(layer: Any, states: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
    """One `EsmLayer`: attention and feed-forward, each behind a LayerNorm and around a residual.

    Parameters:
        layer (EsmLayer): the weights
        states (Tensor): :math:`(b, t, d_p)`
        cos, sin (Tensor): what `rotations` gave
        mask (Tensor, optional): :math:`(b, 1, 1, t)` bool, true at tokens that may be attended to
    """
    attention = layer.attention
    mixed = attend(attention.self, attention.LayerNorm(states), cos, sin, mask)
    states = attention.output(mixed, states)
    wide = layer.intermediate.dense(layer.LayerNorm(states))
    # The GELU's output, a quarter of all activations, is cheaper to compute again than to keep;
    # the product behind it is not repeated, since nothing of its result is needed.
    narrow = checkpoint(
        _gelu_linear, layer.output.dense, wide, use_reentrant=False, preserve_rng_state=False
    )
    return layer.output.dropout(narrow) + states


def _gelu_linear(linear: Any, wide: Tensor) -> Tensor:
    return linear(F.gelu(wide))


def attend(heads: Any, states: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
    """Self-attention of one layer on normalised states, :math:`(b, t, d_p)` in and out."""
    states = to_autocast(states)  # once, not for each of the three products
    shape = (*states.shape[:-1], heads.num_attention_heads, heads.attention_head_size)
    query = rotate(heads.query(states).view(shape), cos, sin)
    key = rotate(heads.key(states).view(shape), cos, sin)
    value = heads.value(states).view(shape)
    dropout = heads.dropout if heads.training else 0.0
    return fused_attention(query, key, value, mask, dropout).flatten(2)


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float
) -> Tensor:
    """PyTorch's fused attention on :math:`(b, t, heads, d_{head})`, and as such again."""
    given = query.dtype
    query, key, value = (rows.transpose(1, 2) for rows in (query, key, value))
    in_float32 = query.device.type == "cpu" and query.shape[-1] < _WIDE_HEAD
    if in_float32:
        query, key, value = (at_least_float32(rows) for rows in (query, key, value))
    with torch.autocast("cpu", enabled=False) if in_float32 else nullcontext():
        mixed = F.scaled_dot_product_attention(query, key, value, mask, dropout)
    return mixed.transpose(1, 2).to(given)


def to_autocast(states: Tensor) -> Tensor:
    """States in the precision that autocast would give them for a product, if it is on."""
    device = states.device.type
    if not torch.is_autocast_enabled(device):
        return states
    return states.to(torch.get_autocast_dtype(device))
