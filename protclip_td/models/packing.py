"""How a pack of proteins is cut into windows and pieces for the encoder: pure functions.

A *window* is a stretch of one protein that fits the encoder; up to 1,022 residues that is the
whole protein. A *piece* is a padded batch of windows of about the same length, small enough to stay
in the processor's cache and even enough to waste little on padding.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from protclip_td.errors import InputError

#: Residues ESM-2 was trained on at once: 1,024 tokens less <cls> and <eos>.
MAX_RESIDUES = 1022
#: Residues that neighbouring windows of a long protein share at least.
MIN_OVERLAP = 128
#: Share of padding among the tokens of a piece, at most.
MAX_PADDING = 0.05


class Window(NamedTuple):
    """A stretch of one protein.

    Parameters:
        start (int): its first residue, counted in the pack
        size (int): its number of residues
        keep_from, keep_to (int): the residues whose states it hands out, counted in the window
    """

    start: int
    size: int
    keep_from: int
    keep_to: int


class Piece(NamedTuple):
    """A padded batch of windows, as index tensors.

    Parameters:
        tokens (Tensor): :math:`(b, t)`, places in the pack's tokens followed by <cls>, <eos>, <pad>
        lengths (Tensor): :math:`(b,)`, tokens of each window, <cls> and <eos> included
        kept (Tensor): :math:`(k,)`, places in the flattened piece whose states are handed out
        residues (Tensor): :math:`(k,)`, the residues of the pack that they belong to
    """

    tokens: Tensor
    lengths: Tensor
    kept: Tensor
    residues: Tensor


def cut_windows(size: int, start: int = 0) -> list[Window]:
    """Cut one protein into evenly spaced windows.

    Every residue is kept by the window in which it lies furthest from an edge, which is the one
    whose centre is nearest; at most `MAX_RESIDUES` residues make one window.

    Parameters:
        size (int): residues of the protein
        start (int, optional): its first residue, counted in the pack

    Example::

        >>> [(window.start, window.size) for window in cut_windows(1500)]
        [(0, 1022), (478, 1022)]
    """
    if size <= MAX_RESIDUES:
        return [Window(start, size, 0, size)]
    count = -((MIN_OVERLAP - size) // (MAX_RESIDUES - MIN_OVERLAP))  # rounded up
    begins = [i * (size - MAX_RESIDUES) // (count - 1) for i in range(count)]
    # Two neighbours share out their overlap in its middle.
    middles = [(after + before + MAX_RESIDUES) // 2 for before, after in pairwise(begins)]
    edges = [0, *middles, size]
    return [
        Window(start + begin, MAX_RESIDUES, edges[i] - begin, edges[i + 1] - begin)
        for i, begin in enumerate(begins)
    ]


def group_by_length(lengths: Sequence[int], tokens_per_pass: int) -> list[list[int]]:
    """Group sequences of about the same length, the longest first.

    A group takes the next shorter sequence as long as the padded group has at most
    `tokens_per_pass` tokens and at most `MAX_PADDING` of them are padding.

    Parameters:
        lengths (sequence of int): tokens of each sequence
        tokens_per_pass (int): tokens of a padded group; a longer sequence makes a group of its own

    Example::

        >>> group_by_length([100, 400, 98, 101], tokens_per_pass=1024)
        [[1], [3, 0, 2]]
    """
    groups: list[list[int]] = []
    width = total = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        padded = (len(groups[-1]) + 1) * width if groups else 0
        fits = groups and padded <= tokens_per_pass
        if fits and padded - total - lengths[i] <= MAX_PADDING * padded:
            groups[-1].append(i)
            total += lengths[i]
        else:
            groups.append([i])
            width = total = lengths[i]
    return groups


def plan_pieces(sizes: Sequence[int], tokens_per_pass: int) -> list[Piece]:
    """Plan how a pack of proteins goes through the encoder.

    Parameters:
        sizes (sequence of int): residues of each protein, :math:`(B,)`
        tokens_per_pass (int): tokens of a piece, <cls>, <eos> and padding included
    """
    starts = np.cumsum([0, *sizes]).tolist()
    windows = [
        window for size, start in zip(sizes, starts) if size for window in cut_windows(size, start)
    ]
    groups = group_by_length([window.size + 2 for window in windows], tokens_per_pass)
    return [make_piece([windows[i] for i in group], starts[-1]) for group in groups]


def make_piece(windows: Sequence[Window], num_residue: int) -> Piece:
    """Lay windows out as one padded batch.

    Parameters:
        windows (sequence of Window): :math:`b` windows
        num_residue (int): residues of the whole pack
    """
    cls, eos, pad = num_residue, num_residue + 1, num_residue + 2
    width = max(window.size for window in windows) + 2
    index = np.full((len(windows), width), pad)
    index[:, 0] = cls
    kept, residues = [], []
    for row, (start, size, keep_from, keep_to) in enumerate(windows):
        index[row, 1 : size + 1] = np.arange(start, start + size)
        index[row, size + 1] = eos
        keep = np.arange(keep_from, keep_to)
        kept.append(row * width + 1 + keep)
        residues.append(start + keep)
    lengths = torch.tensor([window.size + 2 for window in windows])
    flat = (torch.from_numpy(np.concatenate(part)) for part in (kept, residues))
    return Piece(torch.from_numpy(index), lengths, *flat)


def packed_mean(states: Tensor, sizes: Tensor) -> Tensor:
    """The mean over each packed sequence.

    Parameters:
        states (Tensor): :math:`(N, d)`, sequences one after the other
        sizes (Tensor): :math:`(B,)`, their lengths, all positive

    Returns:
        Tensor of shape :math:`(B, d)`, summed in float32 or better
    """
    owner = torch.repeat_interleave(sizes, output_size=len(states))
    wide = at_least_float32(states)
    sums = wide.new_zeros(len(sizes), states.shape[-1]).index_add(0, owner, wide)
    return (sums / sizes.unsqueeze(-1)).to(states.dtype)


def check_not_empty(sizes: Tensor) -> None:
    """Make sure that each protein of a batch has residues, of which a mean can be taken.

    Raises:
        InputError: one has none
    """
    lengths = sizes.tolist()
    if 0 in lengths:
        raise InputError(
            f"protein {lengths.index(0)} of the batch (counted from 0) has no residues; expected "
            "at least one"
        )


def at_least_float32(states: Tensor) -> Tensor:
    """States in float32, or float64 where they are given in that."""
    return states.to(torch.promote_types(states.dtype, torch.float32))
