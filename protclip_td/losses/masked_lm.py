"""Masked language modelling (MLM): name the masked residues from what is left of the protein.

    ℓ_MLM = mean over masked residues r of  −log softmax(logits_r)_{residue r}

Source: ProtCLIP (Zhou et al., AAAI 2025), masked language modelling; ESM-2 (Lin et al., 2023).
"""

import torch.nn.functional as F
from torch import Tensor

from protclip_td.losses.precision import in_float32


@in_float32
def masked_residue_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy over the masked residues, in MLM and at the end of BSR.

    Parameters:
        logits: (M, V), at the masked residues only; V = 33 for ESM-2's alphabet
        target: (M,) tokens that were there before masking

    Returns:
        (), float32; 0 with a zero gradient for M = 0

    Source: ProtCLIP (Zhou et al., AAAI 2025), losses MLM and BSR.

    Example::

        >>> masked_residue_loss(torch.zeros(5, 33), torch.arange(5))  # log 33
        tensor(3.4965)
    """
    return F.cross_entropy(logits, target, reduction="sum") / max(len(target), 1)
