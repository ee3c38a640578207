"""Biotext-guided static segment reconstruction (BSR): name masked segments with the text's help.

For the masked residues r of protein i, with x_r = φ_p(H′_r) and y_t = φ_t(U_t) over the real
tokens t of its biotext,

    α_rt = softmax_t( ⟨query(x_r), key(y_t)⟩ / √d )
    x′_r = LayerNorm( x_r + Σ_t α_rt value(y_t) )
    ℓ_BSR = mean over masked residues r of  −log softmax(head(x′_r))_{residue r}

The last line is `masked_residue_loss`, as for MLM; the head is the model's, and the two lines above
are the functions of this file.

The residual and the LayerNorm without weights are ours: without the residual a residue would see
the text but not its neighbours. Padding takes no part, since texts are packed.

Source: ProtCLIP (Zhou et al., AAAI 2025), biotext-guided static segment reconstruction.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from protclip_td.losses.packed import owners, slots, to_padded
from protclip_td.losses.precision import in_float32


@in_float32
def attend_to_biotext(
    query: Tensor, query_owner: Tensor, key: Tensor, value: Tensor, text_sizes: Tensor
) -> Tensor:
    """Single-head attention of residues to the tokens of their own protein's biotext.

    Parameters:
        query: (M, d), at the masked residues
        query_owner: (M,) protein of each of them, from 0 to B − 1
        key: (T, d), at the real text tokens of all biotexts, packed
        value: (T, d)
        text_sizes: (B,) tokens per biotext; they sum to T

    Returns:
        (M, d), float32, in the order of the queries; zeros where the biotext has no token

    Source: ProtCLIP (Zhou et al., AAAI 2025), loss BSR, cross attention.
    """
    num_text, text_owner = len(text_sizes), owners(text_sizes)
    padded_query, _ = to_padded(query, query_owner, num_text)
    padded_key, real = to_padded(key, text_owner, num_text)
    padded_value, _ = to_padded(value, text_owner, num_text)
    scores = padded_query @ padded_key.transpose(1, 2) / math.sqrt(query.shape[-1])
    # Finite, not −∞: a biotext without a token then averages zeros instead of making NaN.
    scores = scores.masked_fill(~real[:, None], torch.finfo(scores.dtype).min)
    attended = scores.softmax(dim=-1) @ padded_value
    return attended[query_owner, slots(query_owner, num_text)]


@in_float32
def add_and_normalise(residue: Tensor, attended: Tensor) -> Tensor:
    """Residual around the attention, then LayerNorm without weights.

    Parameters:
        residue: (M, d) projections φ_p(H′) at the masked residues, before `query`
        attended: (M, d), from `attend_to_biotext`

    Returns:
        (M, d), float32, for the reconstruction head
    """
    return F.layer_norm(residue + attended, residue.shape[-1:])
