"""Floating-point operations of one training step, counted on paper.

Only what the model needs is counted: real tokens (residues, <cls>, <eos>; words, [CLS], [SEP]), no
padding, and no second forward pass under gradient checkpointing. A product of an (n, a) by an
(a, b) matrix counts 2·n·a·b; all else (norms, softmax, GELU, optimizer) counts nothing. With
w the width of a transformer, f its inner width, l its layers and t the tokens of one sequence:

    transformer forward  = l · Σ_sequences [ t · (8·w² + 4·w·f) + 4·t²·w ]
    protein encoder      = 3 · views · forward      (backward is twice the forward)
    text encoder         = forward of the texts that really went through it (kept ones: nothing)

Heads, forward and backward (×3; φ_t's first layer ×2, as nothing lies below it that learns), for N
residues of B proteins, of which M = rate · N are masked, T text tokens, P properties, K_i and T_i
properties and text tokens of protein i, widths d_p, d_t, d and m prototypes:

    φ_p  3 · 2 · (N + B + M) · (d_p·d + d²)         residues for PDA, means, masked residues for BSR
    φ_t  2 · (T + B + P) · (2·d_t·d + 3·d²)
    MLM  3 · 2 · M · (d_p·d + 33·d)
    BSR  3 · [ 2 · (M + 2·T) · d² + 2 · M · (d² + 33·d) + Σ_i 4 · M_i · T_i · d ]
    PDA  3 · [ 4 · P · m · d + Σ_i 4 · K_i · L_i · d ]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_NUM_RESIDUE_TOKEN = 33


@dataclass
class StepContent:
    """What went through one step.

    Parameters:
        residues (list of int): residues of each protein, :math:`(B,)`
        text_tokens (list of int): real tokens of each biotext, :math:`(B,)`
        properties (list of int): present properties of each protein, :math:`(B,)`
        encoded_texts (list of int): tokens, [CLS] and [SEP] included, of each text that the text
            encoder did not know yet
    """

    residues: list[int]
    text_tokens: list[int]
    properties: list[int]
    encoded_texts: list[int]


def transformer_forward(lengths: Sequence[int], config: Any) -> int:
    """Operations of a transformer's forward pass over sequences of the given lengths.

    Parameters:
        lengths (sequence of int): tokens of each sequence
        config (PretrainedConfig): transformers' config of the model

    Example::

        >>> transformer_forward([1024], EsmConfig(hidden_size=320, intermediate_size=1280,
        ...                                       num_hidden_layers=6))
        23152558080
    """
    width, inner = config.hidden_size, config.intermediate_size
    per_token = 8 * width**2 + 4 * width * inner
    per_layer = sum(t * per_token + 4 * t**2 * width for t in lengths)
    return config.num_hidden_layers * per_layer


def step_flops(model: Any, content: StepContent, mask_rate: float, num_view: int = 3) -> int:
    """Operations of one step of the full objective, by the formulas above."""
    tokens = [size + 2 for size in content.residues]
    protein = 3 * num_view * transformer_forward(tokens, model.protein_encoder.model.config)
    text = transformer_forward(content.encoded_texts, model.text_encoder.model.config)
    return protein + text + round(head_flops(model, content, mask_rate))


def head_flops(model: Any, content: StepContent, mask_rate: float) -> float:
    """Operations of the heads and losses, forward and backward."""
    d_p, d_t = model.node_output_dim, model.text_encoder.hidden_size
    d, m = model.projection_dim, model.num_prototype
    num_residue, num_protein = sum(content.residues), len(content.residues)
    num_text, num_property = sum(content.text_tokens), sum(content.properties)
    masked = mask_rate * num_residue
    protein_projection = 6 * (num_residue + num_protein + masked) * (d_p * d + d * d)
    text_projection = 2 * (num_text + num_protein + num_property) * (2 * d_t * d + 3 * d * d)
    mlm = 6 * masked * d * (d_p + _NUM_RESIDUE_TOKEN)
    attended = sum(mask_rate * n * t for n, t in zip(content.residues, content.text_tokens))
    bsr = 6 * (masked + 2 * num_text) * d * d + 12 * attended * d
    bsr += 6 * masked * d * (d + _NUM_RESIDUE_TOKEN)
    scored = sum(n * k for n, k in zip(content.residues, content.properties))
    pda = 12 * num_property * m * d + 12 * scored * d
    return protein_projection + text_projection + mlm + bsr + pda
