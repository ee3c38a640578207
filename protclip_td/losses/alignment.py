"""Property-grouped dynamic segment alignment (PDA): each property finds its own part of a protein.

For each protein and each of its present properties k, with t_k the projected text of the property,
x_r = φ_p(H_r) the projected residues and M the memory bank of prototypes,

    q_k    = softmax( (t_k Mᵀ + Gumbel noise) / τ ) M       property prototype
    s_kr   = ⟨q_k, x_r⟩,  then min–max to [0, 1] over r     scores
    w_kr   = s_kr if s_kr ≥ θ else 0,  divided by the sum   sparse weights
    g_k    = Σ_r w_kr x_r                                   dynamic segment
    logits_kk′ = e^σ cos(g_k, q_k′),    e^σ ≤ 100

and ℓ_PDA is the mean of the two cross-entropies (over k′ and over k) with the diagonal as target,
averaged over a protein's present properties, then over the proteins with at least two of them.
Where all residues score alike (max = min) each weighs the same.

Source: ProtCLIP (Zhou et al., AAAI 2025), property-grouped dynamic segment alignment.
"""

import torch
from torch import Tensor

from protclip_td.checks import is_number
from protclip_td.errors import InputError
from protclip_td.losses.packed import owners, to_padded
from protclip_td.losses.precision import in_float32
from protclip_td.losses.similarity import cosine_logits

# Scores whose spread is this small beside their size differ by rounding only.
FLAT = 1e-5


@in_float32
def alignment_loss(
    residue: Tensor,
    sizes: Tensor,
    property_text: Tensor,
    property_owner: Tensor,
    prototypes: Tensor,
    logit_scale: Tensor,
    *,
    temperature: float = 0.9,
    threshold: float = 0.3,
    noise: Tensor | None = None,
) -> Tensor:
    """Align the dynamic segments of each protein with the prototypes of its properties.

    Parameters:
        residue: (N, d) projected residues φ_p(H) of the unmasked proteins, packed
        sizes: (B,) residues per protein; they sum to N
        property_text: (P, d) projected texts of the present properties of all proteins
        property_owner: (P,) protein of each of them, from 0 to B − 1
        prototypes: (m, d) memory bank M
        logit_scale: (), logarithm σ of the scale of the cosines
        temperature: τ of the softmax over the bank
        threshold: θ in [0, 1]; scores below it weigh nothing
        noise: (P, m) Gumbel noise, in training only (see `gumbel_noise`)

    Returns:
        (), float32; 0 with a zero gradient if no protein has two present properties

    Raises:
        InputError: if the temperature is not positive or the threshold not in [0, 1]

    Source: ProtCLIP (Zhou et al., AAAI 2025), loss PDA.
    """
    check_temperature("temperature", temperature)
    check_threshold("threshold", threshold)
    prototype = property_prototypes(property_text, prototypes, temperature, noise)
    prototype, present = to_padded(prototype, property_owner, len(sizes))
    residue, real = to_padded(residue, owners(sizes), len(sizes))
    weights = segment_weights(prototype @ residue.transpose(1, 2), real[:, None], threshold)
    segments = weights @ residue
    return within_protein_contrast(segments, prototype, present, logit_scale)


def check_temperature(name: str, temperature: float) -> None:
    """Refuse, with an `InputError` that has its name, a temperature that is out of range."""
    if not is_number(temperature) or not temperature > 0:
        raise InputError(f"{name}: {temperature!r} given; expected a number above 0")


def check_threshold(name: str, threshold: float) -> None:
    """Refuse, with an `InputError` that has its name, a threshold that is out of range."""
    if not is_number(threshold) or not 0 <= threshold <= 1:
        raise InputError(f"{name}: {threshold!r} given; expected a number from 0 to 1")


def property_prototypes(
    property_text: Tensor, prototypes: Tensor, temperature: float, noise: Tensor | None = None
) -> Tensor:
    """Mix the bank's prototypes by their affinity to each property.

    Parameters:
        property_text: (P, d)
        prototypes: (m, d)
        temperature: τ > 0
        noise: (P, m) or none

    Returns:
        (P, d)
    """
    affinity = property_text @ prototypes.T
    if noise is not None:
        affinity = affinity + noise.to(affinity.device)
    return (affinity / temperature).softmax(dim=-1) @ prototypes


def segment_weights(scores: Tensor, real: Tensor, threshold: float) -> Tensor:
    """Sparse weights of the residues: min–max, threshold, sum to one.

    Parameters:
        scores: (..., L)
        real: (..., L), false at padding; broadcast against the scores
        threshold: θ in [0, 1]

    Returns:
        (..., L), zeros at padding

    Example::

        >>> segment_weights(torch.tensor([1.0, 2.0, 4.0, 5.0]), torch.tensor(True), 0.3)
        tensor([0.0000, 0.0000, 0.4286, 0.5714])
    """
    low = scores.masked_fill(~real, torch.inf).amin(dim=-1, keepdim=True)
    high = scores.masked_fill(~real, -torch.inf).amax(dim=-1, keepdim=True)
    flat = high - low <= FLAT * (high.abs() + low.abs())
    span = (high - low).masked_fill(flat, 1.0)
    scaled = ((scores - low) / span).masked_fill(flat, 1.0)
    kept = scaled.masked_fill(~real | (scaled < threshold), 0.0)
    return kept / kept.sum(dim=-1, keepdim=True)


def within_protein_contrast(
    segments: Tensor, prototypes: Tensor, present: Tensor, logit_scale: Tensor
) -> Tensor:
    """Contrast each protein's segments with its own prototypes, both ways.

    Parameters:
        segments: (B, K, d)
        prototypes: (B, K, d)
        present: (B, K), false at properties that the protein lacks
        logit_scale: ()

    Returns:
        (), mean over the proteins with at least two present properties
    """
    logits = cosine_logits(segments, prototypes, logit_scale)
    both_present = present[:, :, None] & present[:, None, :]
    # Finite, not −∞: rows of absent properties must stay free of NaN in the gradient.
    logits = logits.masked_fill(~both_present, torch.finfo(logits.dtype).min)
    right = logits.log_softmax(dim=2) + logits.log_softmax(dim=1)
    loss = -right.diagonal(dim1=1, dim2=2) / 2
    count = present.sum(dim=1)
    per_protein = loss.masked_fill(~present, 0.0).sum(dim=1) / count.clamp(min=1)
    contrasted = count >= 2
    return (per_protein * contrasted).sum() / contrasted.sum().clamp(min=1)


def gumbel_noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise, −log(−log u) for u uniform in (0, 1).

    Parameters:
        shape: (P, m): properties, prototypes
        generator: source of randomness

    Returns:
        float32, on the generator's device
    """
    exponential = torch.empty(shape, device=generator.device).exponential_(generator=generator)
    return -exponential.clamp(min=torch.finfo(torch.float32).tiny).log()
