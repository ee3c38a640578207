"""The draw: its shares, its repeats, and that it is a function of seed, epoch and position."""

import numpy as np
import pytest

from protclip_td.data.sampling import PropertyDrivenDraw, entry_weight, permute

KEY = np.array([12345], dtype=np.uint64)


def random_table(seed):
    """A random number of entries for each of the 20 groups, some of them 0, and their weights."""
    rng = np.random.default_rng(seed)
    confidence, coverage = np.divmod(np.arange(20), 4)
    sizes = (10 ** rng.uniform(0, 7, 20)).astype(int) * (rng.random(20) > 0.2)
    return sizes, entry_weight(confidence + 1, coverage + 1)


def test_weights_by_hand():
    weights = entry_weight(np.array([1, 2, 3, 3]), np.array([4, 4, 3, 1]))
    np.testing.assert_allclose(weights, [1, 1 / 8, 0.75**0.5 / 27, 0.5 / 27])


def test_exponents_are_options():
    np.testing.assert_allclose(entry_weight(np.array([3]), np.array([2]), -1, 1), [1 / 6])


def test_probabilities_by_hand():
    draw = PropertyDrivenDraw([100, 300], [1.0, 0.5], num_draws=10)
    np.testing.assert_allclose(draw.probabilities, [0.4, 0.6])


@pytest.mark.parametrize("seed", range(10))
def test_drawn_shares_are_within_three_sigma_of_p(seed):
    sizes, weights = random_table(seed)
    draw = PropertyDrivenDraw(sizes, weights, num_draws=20_000, seed=seed)
    expected = sizes * weights / (sizes * weights).sum()
    counts = sum(np.bincount(draw(epoch)[0], minlength=20) for epoch in range(5))
    sigma = np.sqrt(100_000 * expected * (1 - expected))
    judged = 100_000 * expected > 30  # a handful of draws is no normal distribution
    assert judged.sum() > 3
    assert np.all(np.abs(counts - 100_000 * expected)[judged] <= 3 * sigma[judged])
    assert not counts[sizes == 0].any()


def test_rows_inside_a_group_are_equal():
    draw = PropertyDrivenDraw([50], [1.0], num_draws=20)
    counts = sum(np.bincount(draw(epoch)[1], minlength=50) for epoch in range(500))
    expected = 500 * 20 / 50
    assert abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_no_row_comes_twice_where_the_group_exceeds_its_share():
    draw = PropertyDrivenDraw([100_000, 3000], [1.0, 1.0], num_draws=50_000)
    group, rank = draw(epoch=3)
    for number in (0, 1):
        ranks = rank[group == number]
        assert len(set(ranks)) == len(ranks)


def test_a_smaller_group_is_gone_through_fully_before_repeats():
    draw = PropertyDrivenDraw([7, 1000], [1000.0, 1.0], num_draws=100)
    _, rank = draw(epoch=0)
    drawn = draw.counts(0)[0]
    repeats = np.bincount(rank[draw(epoch=0)[0] == 0], minlength=7)
    assert drawn > 7
    assert set(repeats) <= {drawn // 7, -(-drawn // 7)}


def test_same_seed_same_draw_whatever_the_process_asks_for():
    one = PropertyDrivenDraw([1000, 50], [1.0, 9.0], 400, seed=3)
    two = PropertyDrivenDraw([1000, 50], [1.0, 9.0], 400, seed=3)
    np.testing.assert_array_equal(one(epoch=7), two(epoch=7))


def test_other_epoch_or_seed_other_draw():
    draws = [
        np.stack(PropertyDrivenDraw([1000, 1000], [1.0, 0.5], 400, seed=seed)(epoch)).tolist()
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert all(a != b for i, a in enumerate(draws) for b in draws[:i])


def test_any_position_can_be_asked_for_alone():
    draw = PropertyDrivenDraw([1000, 50, 3], [1.0, 9.0, 2.0], num_draws=400)
    whole = np.stack(draw(epoch=2))
    positions = np.array([399, 0, 17])
    np.testing.assert_array_equal(np.stack(draw(2, positions)), whole[:, positions])
    for position in positions:
        np.testing.assert_array_equal(draw(2, np.array([position]))[1], whole[1, [position]])


def test_groups_are_shuffled_among_each_other():
    draw = PropertyDrivenDraw([10_000, 10_000], [1.0, 1.0], num_draws=10_000)
    group, _ = draw(epoch=0)
    first_half = group[:5000].mean()
    assert abs(first_half - 0.5) < 0.05


@pytest.mark.parametrize("size", [*range(1, 40), 97, 100, 101, 1000, 12_345])
def test_permute_is_a_permutation(size):
    for key in range(3):
        places = permute(np.arange(size), np.array([size]), KEY + np.uint64(key))
        assert sorted(places) == list(range(size))


def test_permute_works_at_the_size_of_uniprot():
    size = 251_500_000
    places = permute(np.arange(10_000), np.array([size]), KEY)
    assert len(set(places)) == 10_000
    assert 0 <= places.min() < size / 100
    assert size * 0.99 < places.max() < size


@pytest.mark.parametrize("size", [2, 3, 5, 12])
def test_every_thing_takes_every_place_equally_often(size):
    keys = np.arange(20_000, dtype=np.uint64)
    for thing in (0, size - 1):
        places = permute(np.full(20_000, thing), np.array([size]), keys)
        expected = 20_000 / size
        counts = np.bincount(places, minlength=size)
        assert abs(counts - expected).max() < 4 * np.sqrt(expected)


def test_neighbours_do_not_stay_neighbours():
    places = permute(np.arange(10_000), np.array([10_000]), KEY)
    assert abs(np.corrcoef(places[:-1], places[1:])[0, 1]) < 0.05
    assert (np.abs(np.diff(places)) == 1).sum() < 20
