"""Rows of groups: lazily what a list of them would be."""

import pickle

import numpy as np
import pytest

from protclip_td.data.sampling import property_driven
from protclip_td.data.sampling.rank_share import RankShare
from protclip_td.data.sampling.rows import Rows, all_once, draw_rows
from protclip_td.data.store.manifest import Group
from protclip_td.datasets.subset import PropertyDrivenSubset

GROUPS = [Group(1, 4, 100, 40), Group(2, 3, 1000, 500, offset=77), Group(3, 3, 3000, 0)]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(property_driven, "DRAWS_PER_WINDOW", 100)


def test_all_once_is_every_row_in_mixed_order():
    rows = list(all_once(GROUPS))
    assert sorted(rows) == [*range(100, 140), *range(1000, 1500)]
    first = [row for row in rows[:270] if row < 1000]
    assert len(first) == pytest.approx(20, abs=2)


def test_any_access_is_that_of_a_list():
    rows = Rows(GROUPS, draw_rows(GROUPS, 300, seed=1).order(2))
    whole = list(rows)
    assert len(rows) == len(whole) == 300
    assert [rows[i] for i in range(300)] == whole
    assert (rows[-1], rows[10:200:7], rows[5:5]) == (whole[-1], whole[10:200:7], [])
    np.testing.assert_array_equal(rows.at(np.array([250, 3])), [whole[250], whole[3]])
    assert list(pickle.loads(pickle.dumps(rows))) == whole
    with pytest.raises(IndexError):
        rows[300]


def test_no_rows_at_all():
    assert list(all_once([Group(1, 4, 100, 0)])) == []


def test_the_draw_weighs_groups_by_confidence_and_coverage():
    mass = np.array([40, 500 / 8 * 0.75**0.5, 0])
    np.testing.assert_allclose(draw_rows(GROUPS, 300).probabilities, mass / mass.sum())
    np.testing.assert_allclose(
        draw_rows(GROUPS, 300, (0, 0)).probabilities, [40 / 540, 500 / 540, 0]
    )


def test_training_rows_are_the_same_for_more_ranks_in_an_order_for_them():
    subset = PropertyDrivenSubset(range(3000), GROUPS, 300, (-3, 0.5), seed=1)
    alone = list(subset.indices)
    subset.set_epoch(0, num_ranks=2)
    assert sorted(subset.indices) == sorted(alone)
    assert list(subset.indices) != alone


@pytest.mark.parametrize(("total", "num_ranks"), [(10, 1), (10, 2), (10, 3), (2, 3)])
def test_rank_shares_are_dealt_out_one_by_one(total, num_ranks):
    shares = [list(RankShare(total, rank, num_ranks)) for rank in range(num_ranks)]
    dealt = [position for turn in zip(*shares) for position in turn]
    assert dealt == [position % total for position in range(-(-total // num_ranks) * num_ranks)]


def test_a_part_of_a_rank_share():
    share = RankShare(1_000_000_000_000, 3, 8)
    assert share[10:13] == [83, 91, 99]
    assert share[-1] == 999_999_999_995
