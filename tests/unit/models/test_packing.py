from itertools import pairwise

import pytest
import torch

from protclip_td.models.packing import (
    MAX_PADDING,
    MAX_RESIDUES,
    MIN_OVERLAP,
    cut_windows,
    group_by_length,
    packed_mean,
    plan_pieces,
)


@pytest.mark.parametrize("size", [1, 500, 1022])
def test_a_protein_that_fits_is_one_window(size):
    assert [tuple(w) for w in cut_windows(size, start=7)] == [(7, size, 0, size)]


@pytest.mark.parametrize("size", [1023, 1500, 1916, 1917, 2810, 2811, 5000, 35213])
def test_windows_cover_every_residue_where_it_is_furthest_from_an_edge(size):
    windows = cut_windows(size)
    begins = [window.start for window in windows]
    assert begins[0] == 0
    assert begins[-1] + MAX_RESIDUES == size
    gaps = [after - before for before, after in pairwise(begins)]
    assert max(gaps) <= MAX_RESIDUES - MIN_OVERLAP
    assert max(gaps) - min(gaps) <= 1

    keeper = [i for i, w in enumerate(windows) for _ in range(w.keep_from, w.keep_to)]
    assert len(keeper) == size
    for residue in range(0, size, 37):
        depth = [min(residue - begin, begin + MAX_RESIDUES - 1 - residue) for begin in begins]
        assert depth[keeper[residue]] == max(depth)


def test_no_more_windows_than_needed():
    assert len(cut_windows(2 * MAX_RESIDUES - MIN_OVERLAP)) == 2
    assert len(cut_windows(2 * MAX_RESIDUES - MIN_OVERLAP + 1)) == 3


@pytest.mark.parametrize("tokens_per_pass", [64, 1024, 4096])
def test_groups_are_complete_small_and_even(tokens_per_pass):
    lengths = torch.randint(3, 1024, (200,)).tolist()
    groups = group_by_length(lengths, tokens_per_pass)
    assert sorted(i for group in groups for i in group) == list(range(200))
    for group in groups:
        padded = len(group) * max(lengths[i] for i in group)
        assert len(group) == 1 or padded <= tokens_per_pass
        padding = padded - sum(lengths[i] for i in group)
        assert padding <= MAX_PADDING * padded


def padding_share(pieces):
    """The share of padding among all tokens computed."""
    computed = sum(piece.tokens.numel() for piece in pieces)
    return 1 - sum(int(piece.lengths.sum()) for piece in pieces) / computed


def test_copies_of_a_protein_share_pieces(sample_entries):
    sizes = [min(len(entry.sequence), 1022) for entry in sample_entries]
    three = plan_pieces(sizes[:8] * 3, 1024)
    assert padding_share(three) <= MAX_PADDING
    assert padding_share(plan_pieces(sizes * 3, 1024)) <= MAX_PADDING


def test_tokens_of_a_piece_include_the_two_special_ones_of_each_protein():
    assert len(plan_pieces([8, 8], 20)) == 1
    assert len(plan_pieces([8, 8], 19)) == 2


def test_a_plan_hands_out_every_residue_once():
    sizes = [5, 0, 1300, 5, 40]
    pieces = plan_pieces(sizes, 1024)
    residues = torch.cat([piece.residues for piece in pieces])
    assert residues.sort().values.tolist() == list(range(sum(sizes)))
    for piece in pieces:
        # What is handed out for a residue is the state of that residue's own token.
        assert torch.equal(piece.tokens.flatten()[piece.kept], piece.residues)


def test_a_row_is_a_protein_between_its_special_tokens_and_then_padding():
    (piece,) = plan_pieces([40, 42], 1024)
    cls, eos, pad = 82, 83, 84
    assert piece.tokens.tolist() == [[cls, *range(40, 82), eos], [cls, *range(40), eos, pad, pad]]


def test_packed_mean_against_a_loop():
    states, sizes = torch.randn(10, 4), torch.tensor([3, 1, 6])
    expected = torch.stack([part.mean(0) for part in states.split(sizes.tolist())])
    torch.testing.assert_close(packed_mean(states, sizes), expected)
