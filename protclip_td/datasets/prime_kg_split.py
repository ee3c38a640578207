"""Which triplets of a knowledge graph train, and which nodes are held out.

Source: BioBridge (Wang et al., ICLR 2024), whose code draws head nodes of each type for test. An
edge stands in the graph in both directions, so that leaving out the triplets whose head is held
out leaves the same edges in with the node as their tail: the published split leaks.
"""

from typing import NamedTuple

import numpy as np

from protclip_td.datasets.prime_kg_graph import NODE_TYPES, KnowledgeGraph

SPLITS = ("clean", "published")


class HeldOut(NamedTuple):
    """Nodes of the graph, and the rows of the triplets that train."""

    test: np.ndarray
    valid: np.ndarray
    train_rows: np.ndarray


def hold_out(
    graph: KnowledgeGraph,
    head_type: str,
    split: str,
    test_fraction: float,
    valid_fraction: float,
    seed: int,
) -> HeldOut:
    """Draw test nodes of each type, as the published code does, and validation nodes of one.

    Parameters:
        graph (KnowledgeGraph): all triplets
        head_type (str): type that validation nodes are drawn from, among those not for test
        split (str): ``published`` leaves out the triplets whose head is held out; ``clean`` also
            those whose tail is
        test_fraction (float): share of the head nodes of each type
        valid_fraction (float): share of the remaining head nodes of `head_type`; may be 0
        seed (int): 42 in the published code
    """
    generator = np.random.RandomState(seed)  # NumPy's old generator, as published
    heads = _in_order_of_file(graph.triplets[:, 0])
    test = []
    for node_type in _in_order_of_file(graph.type[heads]):
        of_type = heads[graph.type[heads] == node_type]
        test.append(generator.choice(of_type, int(test_fraction * len(of_type)), replace=False))
    tested = np.concatenate(test)
    left = heads[graph.type[heads] == NODE_TYPES.index(head_type)]
    left = left[~np.isin(left, tested)]
    valid = generator.choice(left, int(valid_fraction * len(left)), replace=False)
    is_held_out = np.zeros(len(graph.type), dtype=bool)
    is_held_out[tested] = is_held_out[valid] = True
    dropped = is_held_out[graph.triplets[:, 0]]
    if split == "clean":
        dropped |= is_held_out[graph.triplets[:, 2]]
    return HeldOut(tested, valid, np.flatnonzero(~dropped))


def _in_order_of_file(values: np.ndarray) -> np.ndarray:
    """Distinct values in the order of their first appearance."""
    return values[np.sort(np.unique(values, return_index=True)[1])]


class Negatives:
    """For each training triplet, tails of the same type that training never links to its head.

    Drawn once, without repeats, from the nodes that are heads in training, as published.

    Parameters:
        graph (KnowledgeGraph): all triplets
        rows (array): rows of the triplets that train
        num (int): tails to draw for each; where there are fewer, all of them
        seed (int): another seed, another draw
    """

    def __init__(self, graph: KnowledgeGraph, rows: np.ndarray, num: int, seed: int) -> None:
        triplets = graph.triplets[rows]
        self.num = num
        self.num_node = len(graph.type)
        self.linked = np.unique(self._key(triplets[:, 0], triplets[:, 2]))
        heads = np.unique(triplets[:, 0])
        self.generator = np.random.default_rng(seed)
        #: Nodes of shape :math:`(m, num)`, −1 where there are fewer.
        self.nodes = np.full((len(rows), num), -1, dtype=np.int32)
        for node_type in np.unique(graph.type[triplets[:, 2]]):
            pool = heads[graph.type[heads] == node_type]
            of_type = np.flatnonzero(graph.type[triplets[:, 2]] == node_type)
            for start in range(0, len(of_type), _CHUNK):
                chunk = of_type[start : start + _CHUNK]
                self.nodes[chunk] = self._draw(triplets[chunk, 0], pool)

    def _draw(self, heads: np.ndarray, pool: np.ndarray) -> np.ndarray:
        """Draw at random; rows with a linked or repeated node are drawn again, with care."""
        if len(pool) < 4 * self.num:
            return np.stack([self._draw_exactly(head, pool) for head in heads.tolist()])
        drawn = pool[self.generator.integers(0, len(pool), (len(heads), self.num))]
        for _ in range(_ATTEMPTS):
            wrong = self._are_wrong(heads, drawn)
            if not wrong.any():
                break
            drawn[wrong] = pool[self.generator.integers(0, len(pool), wrong.sum())]
        for row in np.flatnonzero(self._are_wrong(heads, drawn).any(1)):
            drawn[row] = self._draw_exactly(int(heads[row]), pool)
        return drawn

    def _draw_exactly(self, head: int, pool: np.ndarray) -> np.ndarray:
        free = pool[~self._are_linked(np.full(len(pool), head), pool)]
        drawn = np.full(self.num, -1)
        chosen = self.generator.permutation(free)[: self.num]
        drawn[: len(chosen)] = chosen
        return drawn

    def _are_wrong(self, heads: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Which are linked to their head, or stand in their row a second time."""
        wrong = self._are_linked(np.broadcast_to(heads[:, None], drawn.shape), drawn)
        order = drawn.argsort(axis=1, kind="stable")
        ordered = np.take_along_axis(drawn, order, axis=1)
        again = np.zeros_like(wrong)
        again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
        repeats = np.zeros_like(wrong)
        np.put_along_axis(repeats, order, again, axis=1)
        return wrong | repeats

    def _are_linked(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        keys = self._key(heads, tails)
        place = np.searchsorted(self.linked, keys)
        return self.linked[np.minimum(place, len(self.linked) - 1)] == keys

    def _key(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        return heads.astype(np.int64) * self.num_node + tails


# Triplets at once: 50 negatives each are 400,000 numbers.
_CHUNK = 8192
# After so many rounds hardly a row has a wrong node left.
_ATTEMPTS = 8
