"""Rates, lengths and places of the masks."""

import itertools
from collections import Counter

import pytest
import torch

from protclip_td.errors import InputError
from protclip_td.losses.masking import mask_residues, mask_segments, place_segments


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def run_lengths(mask):
    """Lengths of the unbroken runs of masked residues."""
    return [len(list(run)) for masked, run in itertools.groupby(mask.tolist()) if masked]


def segments(size, seed):
    return mask_segments(torch.tensor([size]), generator=generator(seed))


class TestResidues:
    def test_independent_at_the_rate(self):
        mask = mask_residues(torch.tensor([400] * 500), 0.15, generator()).float()
        # Three standard deviations of 200,000 draws.
        assert mask.mean().item() == pytest.approx(0.15, abs=0.0024)
        assert (mask[1:] * mask[:-1]).mean().item() == pytest.approx(0.15**2, abs=0.0012)

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_every_protein_has_one(self, size):
        mask = mask_residues(torch.tensor([size] * 300), 0.01, generator()).view(300, size)
        assert mask.any(dim=1).all()
        # With this rate nearly always exactly one, and each place in turn.
        assert mask.sum() < 330
        assert mask.any(dim=0).all()

    def test_layout(self):
        mask = mask_residues(torch.tensor([3, 8, 1]), 0.15, generator())
        assert mask.shape == (12,)
        assert mask.dtype == torch.bool
        assert mask[-1]


class TestSegments:
    @pytest.mark.parametrize("size", [10, 11, 19, 33, 34, 38, 44, 67, 100, 350, 1022])
    def test_share_and_lengths(self, size):
        target = round(0.15 * size)
        for seed in range(30):
            lengths = run_lengths(segments(size, seed))
            assert all(5 <= length <= 10 for length in lengths)
            assert max(target, 5) <= sum(lengths) <= target + 4

    @pytest.mark.parametrize("size", range(1, 10))
    def test_short_protein_masks_half_in_one_segment(self, size):
        covered = torch.zeros(size, dtype=torch.bool)
        for seed in range(60):
            mask = segments(size, seed)
            assert run_lengths(mask) == [max(size // 2, 1)]
            covered |= mask
        assert covered.all()

    def test_lengths_are_drawn_afresh(self):
        drawn = Counter(
            length for seed in range(40) for length in run_lengths(segments(1000, seed))
        )
        total = sum(drawn.values())
        assert sorted(drawn) == [5, 6, 7, 8, 9, 10]
        # A sixth each, but for the last of about 20, which is cut.
        assert all(0.11 < count / total < 0.25 for count in drawn.values())

    def test_long_segments_at_any_place(self):
        """Lengths do not shrink along the chain."""
        first, last = [], []
        for seed in range(200):
            lengths = run_lengths(segments(300, seed))
            first.append(lengths[0])
            last.append(lengths[-1])
        assert abs(sum(first) - sum(last)) / 200 < 0.6

    def test_own_lengths_and_rate(self):
        mask = mask_segments(torch.tensor([600]), 0.4, 3, 3, generator=generator())
        assert run_lengths(mask) == [3] * 80

    @pytest.mark.parametrize(("size", "rate", "masked"), [(6, 0.15, 1), (4, 0.1, 1), (40, 0.15, 6)])
    def test_short_segments_mask_no_more_than_the_rate(self, size, rate, masked):
        """And one residue at least: 0.4 of a residue is one."""
        for seed in range(20):
            mask = mask_segments(torch.tensor([size]), rate, 1, 3, generator=generator(seed))
            assert mask.sum() == masked

    @pytest.mark.parametrize("min_length", [1, 2, 5])
    def test_highest_rate_always_fits(self, min_length):
        for size in range(1, 60):
            mask = mask_segments(
                torch.tensor([size]), 0.5, min_length, 10, generator=generator(size)
            )
            assert mask.shape == (size,)
            assert mask.sum() >= max(size // 2, 1)

    def test_layout_follows_the_sizes(self):
        sizes = [1, 40, 7, 300]
        mask = mask_segments(torch.tensor(sizes), generator=generator())
        assert [int(part.sum() > 0) for part in mask.split(sizes)] == [1, 1, 1, 1]
        assert mask.shape == (348,)

    def test_placements_are_equally_likely(self):
        source, lengths = generator(), torch.tensor([2, 1])
        drawn = Counter(
            tuple(place_segments(7, lengths, source).nonzero().flatten().tolist())
            for _ in range(2000)
        )
        possible = {(i, i + 1, j) for i in range(6) for j in range(i + 3, 7)}
        assert set(drawn) == possible
        # 200 each, within four standard deviations.
        assert all(abs(count - 200) < 4 * 13.5 for count in drawn.values())


@pytest.mark.parametrize(
    "draw",
    [
        lambda source: mask_residues(torch.tensor([50, 70]), 0.15, source),
        lambda source: mask_segments(torch.tensor([50, 70]), generator=source),
    ],
)
def test_same_state_same_mask(draw):
    source = generator()
    state = source.get_state()
    first, second = draw(source), draw(source)
    source.set_state(state)
    assert torch.equal(draw(source), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("rate", [0, -0.1, 0.51, 15])
def test_rate_out_of_range(rate):
    with pytest.raises(InputError, match=f"rate: {rate} given; expected a share .* at most 0.5"):
        mask_residues(torch.tensor([5]), rate, generator())
    with pytest.raises(InputError, match=f"rate: {rate} given; expected a share .* at most 0.5"):
        mask_segments(torch.tensor([5]), rate, generator=generator())


@pytest.mark.parametrize("lengths", [(0, 5), (10, 5), (2.5, 5)])
def test_lengths_out_of_range(lengths):
    with pytest.raises(InputError, match=r"min_length and max_length: .* given; expected the sho"):
        mask_segments(torch.tensor([50]), 0.15, *lengths, generator=generator())
