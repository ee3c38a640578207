"""The draw: its shares, its repeats, and that it is a function of seed, epoch and position."""

import itertools

import numpy as np
import pytest

from protclip_td.data.sampling import property_driven
from protclip_td.data.sampling.property_driven import (
    PropertyDrivenDraw,
    ShuffledGroups,
    entry_weight,
)
from protclip_td.data.sampling.rule import Rule
from protclip_td.protanno.paper import CONFIDENCE_SHARES, COVERAGE_SHARES


@pytest.fixture(params=[1 << 16, 37], ids=["usual windows", "small windows"])
def windows(request, monkeypatch):
    """The same tests where an epoch has many windows of draws."""
    monkeypatch.setattr(property_driven, "DRAWS_PER_WINDOW", request.param)


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


@pytest.mark.parametrize("exponents", itertools.product([-200, 200], repeat=2))
def test_the_largest_exponents_still_give_a_draw(exponents):
    """From all groups together, and from each alone."""
    rule = Rule(confidence_exponent=exponents[0], coverage_exponent=exponents[1])
    confidence, coverage = np.divmod(np.arange(20), 4)
    weights = entry_weight(confidence + 1, coverage + 1, *rule.exponents)
    for chosen in (weights, *np.split(weights, 20)):
        draw = PropertyDrivenDraw(np.full(len(chosen), 10**11), chosen, num_draws=100)
        assert draw.counts(epoch=0).sum() == 100


def test_probabilities_by_hand():
    draw = PropertyDrivenDraw([100, 300], [1.0, 0.5], num_draws=10)
    np.testing.assert_allclose(draw.probabilities, [0.4, 0.6])


def epoch_of(draw, epoch=0):
    """Groups and rows of all draws of an epoch."""
    return draw.order(epoch)(np.arange(draw.num_draws))


@pytest.mark.parametrize("seed", range(10))
def test_drawn_shares_are_within_three_sigma_of_p(seed):
    sizes, weights = random_table(seed)
    draw = PropertyDrivenDraw(sizes, weights, num_draws=20_000, seed=seed)
    expected = sizes * weights / (sizes * weights).sum()
    counts = sum(np.bincount(epoch_of(draw, epoch)[0], minlength=20) for epoch in range(5))
    sigma = np.sqrt(100_000 * expected * (1 - expected))
    judged = 100_000 * expected > 30  # a handful of draws is no normal distribution
    assert judged.sum() > 3
    assert np.all(np.abs(counts - 100_000 * expected)[judged] <= 3 * sigma[judged])
    assert not counts[sizes == 0].any()


def test_the_papers_shares_give_the_composition_that_the_formula_predicts():
    """ProtAnno-D under the paper's rule; `benchmarks/draw_randomness.py` prints the table."""
    groups = [(c, r) for c in (1, 2, 3) for r in (3, 4)]
    sizes = [
        round(251_500_000 * CONFIDENCE_SHARES["ProtAnno-D"][c - 1] * share)
        for c, r in groups
        for share in [COVERAGE_SHARES["ProtAnno-D"][r - 1]]
    ]
    mass = [size * c**-3 * (r / 4) ** 0.5 for size, (c, r) in zip(sizes, groups)]
    predicted = [m / sum(mass) for m in mass]
    assert [round(100 * p, 1) for p in predicted] == [5.2, 4.0, 2.8, 2.2, 48.3, 37.4]
    draw = PropertyDrivenDraw(sizes, entry_weight(*np.array(groups).T), num_draws=200_000)
    counts = np.bincount(epoch_of(draw)[0], minlength=6)
    sigma = [(200_000 * p * (1 - p)) ** 0.5 for p in predicted]
    assert all(abs(n - 200_000 * p) <= 3 * s for n, p, s in zip(counts, predicted, sigma))


def test_rows_inside_a_group_are_equal():
    draw = PropertyDrivenDraw([50], [1.0], num_draws=20)
    counts = sum(np.bincount(epoch_of(draw, epoch)[1], minlength=50) for epoch in range(500))
    expected = 500 * 20 / 50
    assert abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_no_row_comes_twice_where_the_group_exceeds_its_share(windows):
    draw = PropertyDrivenDraw([30_000, 900], [1.0, 1.0], num_draws=15_000)
    group, row = epoch_of(draw, epoch=3)
    for number in (0, 1):
        rows = row[group == number]
        assert len(set(rows)) == len(rows)


def test_a_smaller_group_is_gone_through_fully_before_repeats(windows):
    """Each seven draws of the group in the order of the positions are its seven rows."""
    draw = PropertyDrivenDraw([7, 1000], [1000.0, 1.0], num_draws=500)
    group, row = epoch_of(draw)
    rows = row[group == 0]
    assert len(rows) == draw.counts(0)[0] > 400
    whole = rows[: len(rows) // 7 * 7].reshape(-1, 7)
    np.testing.assert_array_equal(np.sort(whole, axis=1), np.tile(np.arange(7), (len(whole), 1)))
    assert len({tuple(passed) for passed in whole}) > len(whole) / 2  # in another order each time


def test_same_seed_same_draw_whatever_the_process_asks_for():
    one = PropertyDrivenDraw([1000, 50], [1.0, 9.0], 400, seed=3)
    two = PropertyDrivenDraw([1000, 50], [1.0, 9.0], 400, seed=3)
    epoch_of(two, epoch=1)
    np.testing.assert_array_equal(epoch_of(one, epoch=7), epoch_of(two, epoch=7))


def test_other_epoch_or_seed_other_draw():
    draws = [
        np.stack(epoch_of(PropertyDrivenDraw([1000, 1000], [1.0, 0.5], 400, seed), epoch)).tolist()
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert all(a != b for i, a in enumerate(draws) for b in draws[:i])


def test_the_groups_shares_of_an_epoch_are_drawn_by_the_seed():
    draws = [PropertyDrivenDraw([500, 500], [1.0, 1.0], 400, seed) for seed in range(8)]
    assert len({tuple(draw.counts(0)) for draw in draws}) > 4


def test_the_groups_shares_of_two_seeds_are_not_those_of_two_epochs():
    first, second = (PropertyDrivenDraw([10**6] * 4, [1.0] * 4, 10**6, seed) for seed in (0, 1))
    assert first.counts(1).tolist() != second.counts(0).tolist()


def test_groups_of_one_size_come_in_different_orders():
    group, row = ShuffledGroups([300, 300], [300, 300], [0])(np.arange(600))
    assert (row[group == 0] != row[group == 1]).mean() > 0.9


def test_windows_with_the_same_shares_are_shuffled_differently(monkeypatch):
    monkeypatch.setattr(property_driven, "DRAWS_PER_WINDOW", 200)
    order = ShuffledGroups([400, 400], [400, 400], [0])
    first, second = (order.window(number)[0] for number in (0, 1))
    assert 0.4 < (first != second).mean() < 0.6


def test_any_position_can_be_asked_for_alone(windows):
    draw = PropertyDrivenDraw([1000, 50, 3], [1.0, 9.0, 2.0], num_draws=400)
    whole = np.stack(epoch_of(draw, epoch=2))
    positions = np.array([399, 0, 17, 18, 300])
    np.testing.assert_array_equal(np.stack(draw.order(2)(positions)), whole[:, positions])
    for position in positions:
        np.testing.assert_array_equal(
            np.stack(draw.order(2)(np.array([position])))[:, 0], whole[:, position]
        )


def test_groups_are_shuffled_among_each_other():
    draw = PropertyDrivenDraw([10_000, 10_000], [1.0, 1.0], num_draws=10_000)
    group, _ = epoch_of(draw)
    first_half = group[:5000].mean()
    assert abs(first_half - 0.5) < 0.05
    assert abs((np.diff(group) == 0).mean() - 0.5) < 0.05


@pytest.mark.parametrize("total", [1, 36, 37, 38, 100, 1000])
def test_windows_are_a_brute_force_table(monkeypatch, total):
    """The closed forms agree with slots that are dealt out one by one."""
    monkeypatch.setattr(property_driven, "DRAWS_PER_WINDOW", 37)
    rng = np.random.default_rng(total)
    counts = rng.multinomial(total, [0.5, 0.3, 0.15, 0.05, 0.0])
    order = ShuffledGroups([5, 1000, 3, 1, 0], counts, [total])
    slots = np.repeat(np.arange(5), counts)
    dealt = [slots[window :: order.num_windows] for window in range(order.num_windows)]
    assert order.num_windows == -(-total // 37)
    given, _ = order(np.arange(total))
    begins = np.cumsum([0, *map(len, dealt)])
    for number, expected in enumerate(dealt):
        here = given[begins[number] : begins[number + 1]]
        np.testing.assert_array_equal(np.sort(here), expected)
        np.testing.assert_array_equal(order.window(number)[0], here)


def test_each_window_has_every_groups_share(monkeypatch):
    monkeypatch.setattr(property_driven, "DRAWS_PER_WINDOW", 1000)
    order = ShuffledGroups([10**6] * 3, [70_000, 25_000, 5000], [0])
    shares = [np.bincount(order.window(w)[0], minlength=3) for w in range(order.num_windows)]
    np.testing.assert_allclose(shares, np.tile([700, 250, 50], (100, 1)), atol=1)


def test_all_rows_once_is_every_row_once(windows):
    sizes = [300, 0, 9000, 1]
    group, row = ShuffledGroups(sizes, sizes, [5])(np.arange(sum(sizes)))
    drawn = sorted(zip(group.tolist(), row.tolist()))
    assert drawn == [(g, r) for g, size in enumerate(sizes) for r in range(size)]


def test_nothing_to_draw():
    order = ShuffledGroups([3, 4], [0, 0], [0])
    assert len(order) == 0
    assert [len(part) for part in order(np.arange(0))] == [0, 0]


def test_a_batch_needs_few_blocks():
    """Of each group no more than the window it is in, and the next where they meet."""
    sizes = [40_000_000, 16_000_000, 100_000]
    order = PropertyDrivenDraw(sizes, [1.0, 1.0, 1.0], 1_000_000).order(0)
    group, row = order(np.arange(100_000, 108_192))
    blocks = [len(set(row[group == g] // 512)) for g in range(3)]
    assert all(number <= 2 * 16 for number in blocks)
    everywhere = len(set(np.random.default_rng(0).integers(40_000_000, size=5800) // 512))
    assert everywhere > 5000  # what rows drawn from anywhere would need


@pytest.mark.parametrize("num_ranks", [2, 3, 64])
def test_windows_hold_the_same_rows_for_any_number_of_ranks(num_ranks):
    draw = PropertyDrivenDraw([30_000, 900, 200_000], [1.0, 3.0, 1.0], num_draws=150_000, seed=2)
    alone, together = draw.order(0), draw.order(0, num_ranks)
    for number in range(alone.num_windows):
        one, other = (np.stack(order.window(number)) for order in (alone, together))
        np.testing.assert_array_equal(one[:, np.lexsort(one)], other[:, np.lexsort(other)])
        counts = [np.bincount(other[0, r::num_ranks], minlength=3) for r in range(num_ranks)]
        assert np.ptp(counts, axis=0).max() <= 1
