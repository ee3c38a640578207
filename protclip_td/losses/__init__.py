"""The four losses of ProtCLIP, pure functions of packed tensors."""

from protclip_td.losses.alignment import (
    alignment_loss,
    check_temperature,
    check_threshold,
    gumbel_noise,
)
from protclip_td.losses.contrastive import contrastive_loss
from protclip_td.losses.masked_lm import masked_residue_loss
from protclip_td.losses.masking import (
    check_lengths,
    check_rate,
    mask_residues,
    mask_segments,
)
from protclip_td.losses.packed import owners
from protclip_td.losses.reconstruction import add_and_normalise, attend_to_biotext

__all__ = [
    "add_and_normalise",
    "alignment_loss",
    "attend_to_biotext",
    "check_lengths",
    "check_rate",
    "check_temperature",
    "check_threshold",
    "contrastive_loss",
    "gumbel_noise",
    "mask_residues",
    "mask_segments",
    "masked_residue_loss",
    "owners",
]
