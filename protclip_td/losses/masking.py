"""Which residues are hidden: single ones for MLM, segments for BSR.

Both take the sizes of the packed proteins and return one boolean per packed residue. Randomness
comes from a CPU generator, so that a seed draws the same masks on every device.

Source: ProtCLIP (Zhou et al., AAAI 2025): 15 % of the residues, static segments of 5–10 residues.
"""

from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

from protclip_td.checks import is_number
from protclip_td.errors import InputError


def mask_residues(sizes: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Draw residues independently, at least one in every protein.

    Parameters:
        sizes: (B,) residues per protein, each at least 1
        rate: chance of each residue, above 0 and at most ½
        generator: source of randomness, on the CPU

    Returns:
        (N,) true where masked, on the device of `sizes`

    Raises:
        InputError: if the rate is out of range

    Source: ProtCLIP (Zhou et al., AAAI 2025), loss MLM.
    """
    check_rate("rate", rate)
    lengths = sizes.tolist()
    masks = []
    for draw in torch.rand(sum(lengths), generator=generator).split(lengths):
        # The lowest draw is masked in any case, so no protein goes without.
        masks.append(draw <= draw.min().clamp(min=rate))
    return torch.cat(masks).to(sizes.device)


def mask_segments(
    sizes: Tensor,
    rate: float = 0.15,
    min_length: int = 5,
    max_length: int = 10,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Draw segments that neither overlap nor touch until the rate is covered.

    The length of each segment is drawn afresh. The last one is cut to what is missing, though not
    below `min_length`: a protein of L residues has between round(rate · L) and
    round(rate · L) + min_length − 1 of them masked. Segments are at least one residue apart, all
    placements being equally likely. A protein with fewer than 2 · min_length residues masks one
    shorter segment, half of it, so that context is left.

    Parameters:
        sizes: (B,) residues per protein, each at least 1
        rate: share to cover, above 0 and at most ½
        min_length: residues in the shortest segment
        max_length: residues in the longest segment
        generator: source of randomness, on the CPU

    Returns:
        (N,) true where masked, on the device of `sizes`

    Raises:
        InputError: if the rate or the lengths are out of range

    Source: ProtCLIP (Zhou et al., AAAI 2025), loss BSR, static segments.
    """
    check_rate("rate", rate)
    check_lengths("min_length and max_length", (min_length, max_length))
    masks = []
    for size in sizes.tolist():
        lengths = draw_lengths(size, rate, min_length, max_length, generator)
        masks.append(place_segments(size, lengths, generator))
    return torch.cat(masks).to(sizes.device)


def draw_lengths(
    size: int, rate: float, min_length: int, max_length: int, generator: torch.Generator
) -> Tensor:
    """Lengths of the segments that cover the rate in one protein.

    Parameters:
        size: residues of the protein
        rate: share to cover
        min_length: residues in the shortest segment
        max_length: residues in the longest segment
        generator: source of randomness

    Returns:
        (k,) lengths, k ≥ 1
    """
    if size < 2 * min_length:
        return torch.tensor([max(size // 2, 1)])
    missing = max(round(rate * size), 1)
    most = -(-missing // min_length)
    lengths = torch.randint(min_length, max_length + 1, (most,), generator=generator)
    before = lengths.cumsum(0) - lengths
    lengths = lengths.minimum((missing - before).clamp(min=min_length))[before < missing]
    # The one that was cut need not be the last along the chain.
    return lengths[torch.randperm(len(lengths), generator=generator)]


def place_segments(size: int, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """Spread segments over a protein, at least one residue apart, uniformly.

    Parameters:
        size: residues of the protein
        lengths: (k,) lengths in order along the chain, with Σ lengths + k − 1 ≤ size
        generator: source of randomness

    Returns:
        (size,) true in the segments
    """
    count, covered = len(lengths), int(lengths.sum())
    # Shrink each segment, with the gap behind it, to one place: any k of these places will do.
    places = size - covered + 1
    chosen = torch.randperm(places, generator=generator)[:count].sort().values
    starts = chosen + lengths.cumsum(0) - lengths
    edges = torch.zeros(size + 1, dtype=torch.long)
    edges[starts] = 1
    edges[starts + lengths] = -1
    return edges.cumsum(0)[:size].bool()


def check_rate(name: str, rate: float) -> None:
    """Refuse, with an `InputError` that has its name, a share of masked residues out of range."""
    if not is_number(rate) or not 0 < rate <= 0.5:
        raise InputError(f"{name}: {rate!r} given; expected a share above 0 and at most 0.5")


def check_lengths(name: str, lengths: Sequence[int]) -> None:
    """Refuse, with an `InputError` that has their name, lengths of segments that are no range."""
    are_two = len(lengths) == 2 and all(isinstance(length, Integral) for length in lengths)
    if not are_two or not 1 <= lengths[0] <= lengths[1]:
        raise InputError(
            f"{name}: {list(lengths)} given; expected the shortest and the longest segment in "
            "residues, such as [5, 10]"
        )
