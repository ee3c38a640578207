"""The protein encoder: ESM-2 on packs of proteins of any length."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from protclip_td.models import esm
from protclip_td.models.packing import Piece, plan_pieces

if TYPE_CHECKING:
    from transformers import EsmModel

#: Tokens in one pass through the encoder: enough to keep the matrix units busy on a CPU.
TOKENS_PER_PASS = 1024

# ESM-2's id of each ASCII letter; X, B, Z, U and O have ids of their own.
_LETTER_TO_ID = torch.full((256,), esm.UNKNOWN_ID)
for _id, _token in enumerate(esm.VOCABULARY):
    if len(_token) == 1:
        _LETTER_TO_ID[ord(_token)] = _id


def letter_tokens(letters: Tensor) -> Tensor:
    """ESM-2's token ids of residue letters.

    Parameters:
        letters (Tensor): ASCII codes, :math:`(N,)`

    Example::

        >>> letter_tokens(torch.tensor([ord("M"), ord("X")]))
        tensor([20, 24])
    """
    return _LETTER_TO_ID.to(letters.device)[letters.long()]


def sequence_tokens(sequence: str) -> Tensor:
    """ESM-2's token ids of one sequence, without <cls> and <eos>, :math:`(L,)`."""
    return letter_tokens(torch.frombuffer(bytearray(sequence, "latin-1"), dtype=torch.uint8))


class ProteinEncoder(nn.Module):
    """ESM-2 on packed proteins, in length-sorted pieces.

    Proteins share a piece with others of about their length, so that at most 5 % of the tokens
    computed are padding; a protein's states do not depend on the others. Proteins over 1,022
    residues go through in overlapping windows, and every residue takes the window in which it lies
    furthest from an edge.

    Parameters:
        model (EsmModel): transformers' model with its weights
        tokens_per_pass (int, optional): tokens of a piece, padding included
        gradient_checkpointing (bool, optional): trade a fifth of the speed for most of the memory
            in training
    """

    def __init__(
        self,
        model: "EsmModel",
        tokens_per_pass: int = TOKENS_PER_PASS,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.tokens_per_pass = tokens_per_pass
        self.gradient_checkpointing = gradient_checkpointing

    @property
    def hidden_size(self) -> int:
        """Width :math:`d_p` of the states."""
        return self.model.config.hidden_size

    def forward(self, tokens: Tensor, sizes: Tensor) -> Tensor:
        """The last hidden states at the residues.

        Parameters:
            tokens (Tensor): ESM-2 ids of the residues, :math:`(N,)`, proteins one after the other
            sizes (Tensor): residues of each protein, :math:`(B,)`

        Returns:
            tensor of shape :math:`(N, d_p)` in the weights' precision, in the order given
        """
        pieces = plan_pieces(sizes.tolist(), self.tokens_per_pass)
        if not pieces:
            return torch.zeros(0, self.hidden_size, dtype=self.model.dtype, device=tokens.device)
        special = tokens.new_tensor([esm.CLS_ID, esm.EOS_ID, esm.PAD_ID])
        vocabulary = torch.cat([tokens, special])
        states = torch.cat([self._run_piece(vocabulary, piece) for piece in pieces])
        order = torch.cat([piece.residues for piece in pieces]).argsort()
        return states.index_select(0, order.to(states.device)).to(self.model.dtype)

    def _run_piece(self, vocabulary: Tensor, piece: Piece) -> Tensor:
        """The states that one piece hands out, :math:`(k, d_p)`."""
        device = vocabulary.device
        width = piece.tokens.shape[1]
        mask = None
        # Attention without a mask takes a faster path.
        if int(piece.lengths.min()) < width:
            mask = (torch.arange(width) < piece.lengths.unsqueeze(-1)).to(device)
        states = self.padded_states(vocabulary[piece.tokens.to(device)], mask)
        return states.flatten(0, 1).index_select(0, piece.kept.to(device))

    def padded_states(self, token_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """The last hidden states of a padded batch, special tokens and padding included.

        Parameters:
            token_ids (Tensor): :math:`(b, t)`, with <cls>, <eos> and <pad>
            mask (Tensor, optional): :math:`(b, t)` bool, true at real tokens; None if all are

        Returns:
            Tensor of shape :math:`(b, t, d_p)`
        """
        checkpointing = self.gradient_checkpointing and self.training
        return esm.hidden_states(self.model, token_ids, mask, checkpointing)
