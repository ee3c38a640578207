"""Keyed permutations: every thing once, every place as likely, blocks kept together."""

import numpy as np
import pytest

from protclip_td.data.sampling.permutation import (
    BLOCKS_PER_WINDOW,
    ROWS_PER_WINDOW,
    permute,
    permute_blocks,
)
from protclip_td.data.store.layout import BLOCK_ROWS

KEY = np.array([12345], dtype=np.uint64)


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


def all_rows(size, key=0, offset=0):
    return permute_blocks(np.arange(size), size, KEY + np.uint64(key), offset)


@pytest.mark.parametrize(
    "size",
    [1, 7, 512, 513, 8191, 8192, 8193, 8704, 8705, 16_384, 20_000, 100_001, 131_072],
)
@pytest.mark.parametrize("offset", [0, 1, 300, 511])
def test_permute_blocks_is_a_permutation(size, offset):
    for key in range(2):
        np.testing.assert_array_equal(np.sort(all_rows(size, key, offset)), np.arange(size))


def test_any_index_can_be_asked_for_alone():
    whole = all_rows(100_001)
    some = np.array([100_000, 5, 50_000, 8192])
    np.testing.assert_array_equal(permute_blocks(some, 100_001, KEY), whole[some])


def test_keys_can_differ_from_index_to_index():
    keys = KEY + np.arange(3, dtype=np.uint64)
    together = permute_blocks(np.array([9000, 9000, 9000]), 50_000, keys)
    alone = [permute_blocks(np.array([9000]), 50_000, keys[i : i + 1]).item() for i in range(3)]
    assert together.tolist() == alone


@pytest.mark.parametrize(("size", "offset"), [(131_072, 0), (200_000, 0), (200_000, 300)])
def test_a_window_of_rows_is_sixteen_blocks(size, offset):
    rows = all_rows(size, offset=offset)
    num_block = -(-(size + offset) // BLOCK_ROWS)
    strays = 0
    for begin in range(0, size - ROWS_PER_WINDOW, ROWS_PER_WINDOW):
        window = rows[max(begin - offset, 0) : begin - offset + ROWS_PER_WINDOW]
        blocks = np.bincount((window + offset) // BLOCK_ROWS, minlength=num_block)
        whole = np.argsort(blocks)[-BLOCKS_PER_WINDOW:]
        strays += len(window) - blocks[whole].sum()
    # Rows from elsewhere stand only at the places of the first and last block that are no rows.
    assert strays <= num_block * BLOCK_ROWS - size


def test_blocks_and_the_rows_in_a_window_are_shuffled():
    rows = all_rows(524_288)
    assert (np.abs(np.diff(rows)) == 1).mean() < 1e-3
    blocks = rows.reshape(-1, ROWS_PER_WINDOW) // BLOCK_ROWS
    assert np.mean(blocks[:, :-1] == blocks[:, 1:]) == pytest.approx(1 / 16, abs=0.004)
    firsts = blocks.min(axis=1)
    assert abs(np.corrcoef(firsts[:-1], firsts[1:])[0, 1]) < 0.25
    assert not np.array_equal(rows, all_rows(524_288, key=1))


def test_every_row_is_as_likely_at_any_turn():
    """The rows of the last, shorter block and of the last, shorter window included."""
    size, keys = 20_000, np.arange(20_000, dtype=np.uint64)
    for turn in (0, 8192, size - 1):
        rows = permute_blocks(np.full(20_000, turn), size, keys, offset=100)
        counts = np.histogram(rows, bins=20, range=(0, size))[0]
        assert abs(counts - 1000).max() < 4.5 * np.sqrt(1000)
