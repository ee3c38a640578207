"""How the test pairs of a network are drawn, and kept in a file."""

from itertools import combinations

import numpy as np
import pytest

from protclip_td.datasets.string_actions_split import Draw, draw_split, read_split, write_split
from protclip_td.errors import InputError


def random_pairs(num_node, num_pair, seed=0):
    generator = np.random.default_rng(seed)
    both = np.argwhere(np.triu(np.ones((num_node, num_node)), 1))
    return generator.permutation(both)[:num_pair]


def slow_search(pairs, way, num_test, start):
    """The search of GNN-PPI, node by node, from a given protein."""
    chosen, visited, waiting = [], [], [start]
    while len(chosen) < num_test:
        protein = waiting.pop(0) if way == "bfs" else waiting[-1]
        if protein not in visited:
            visited.append(protein)
            chosen += [r for r, pair in enumerate(pairs) if protein in pair and r not in chosen]
        rows = [pair for pair in pairs if protein in pair]
        partners = [int(pair.sum() - protein) for pair in rows]
        new = [p for p in partners if p not in visited]
        if way == "bfs":
            waiting += [p for p in new if p not in waiting]
        elif new:
            waiting.append(new[0])
        else:
            waiting.pop()
    return sorted(chosen)


@pytest.mark.parametrize("way", ["bfs", "dfs"])
@pytest.mark.parametrize("seed", range(3))
def test_searches_as_gnn_ppi(way, seed):
    pairs = random_pairs(30, 90, seed)
    test = draw_split(pairs, way, 0.2, 0.1, seed).test
    degree = np.bincount(pairs.flatten(), minlength=30)
    starts = [p for p in range(30) if 0 < degree[p] <= 5]
    assert test in [slow_search(pairs, way, 18, start) for start in starts]
    assert len(test) >= 18


@pytest.mark.parametrize("way", ["bfs", "dfs"])
@pytest.mark.parametrize("seed", range(4))
def test_searches_start_at_a_protein_with_up_to_five_partners(way, seed):
    """One has five; the others, each with each, have seven or more."""
    pairs = np.array([*combinations(range(8), 2), *((8, partner) for partner in range(5))])
    assert draw_split(pairs, way, 5 / 33, 0.1, seed).test == list(range(28, 33))


@pytest.mark.parametrize("way", ["random", "bfs", "dfs"])
def test_splits_are_whole_and_seeded(way):
    pairs = random_pairs(80, 200)
    split = draw_split(pairs, way, 0.2, 0.1, seed=3)
    assert sorted([*split.train, *split.valid, *split.test]) == list(range(200))
    assert len(split.valid) == int(0.1 * (200 - len(split.test)))
    assert split == draw_split(pairs, way, 0.2, 0.1, seed=3)
    assert any(split.test != draw_split(pairs, way, 0.2, 0.1, seed).test for seed in range(4, 12))


def test_search_goes_on_in_another_part():
    pairs = np.array([[2 * i, 2 * i + 1] for i in range(20)])
    for way in ("bfs", "dfs"):
        assert len(draw_split(pairs, way, 0.5, 0.2, seed=0).test) == 10


def test_a_file_is_that_of_its_own_pairs(tmp_path):
    """Not of another network that has as many."""
    draw, path = Draw("random", 0.2, 0.1, 0), tmp_path / "split.json"
    pairs, other = (random_pairs(30, 90, seed) for seed in (0, 1))
    split = draw_split(pairs, *draw)
    write_split(path, split, pairs, draw._asdict())
    assert read_split(path, pairs, draw) == split
    with pytest.raises(InputError, match="It is from other data"):
        read_split(path, other, draw)
