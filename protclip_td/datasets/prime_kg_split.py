"""Which triplets of a knowledge graph train, and which nodes are held out.

Source: BioBridge (Wang et al., ICLR 2024), whose code draws head nodes of each type for test. An
edge stands in the graph in both directions, so that leaving out the triplets whose head is held
out leaves the same edges in with the node as their tail: the published split leaks.
"""

from typing import NamedTuple

import numpy as np

from protclip_td.datasets.prime_kg_graph import NODE_TYPES, KnowledgeGraph


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


def draw_negatives(graph: KnowledgeGraph, rows: np.ndarray, num: int, seed: int) -> np.ndarray:
    """For each training triplet, tails of the same type that training never links to its head.

    Parameters:
        graph (KnowledgeGraph): all triplets
        rows (array): rows of the triplets that train, :math:`m` of them
        num (int): tails to draw for each, without repeats
        seed (int): another seed, another draw

    Returns:
        nodes of shape :math:`(m, num)`, −1 where a head has fewer; drawn, as published, among the
        nodes that are heads in training
    """
    generator = np.random.default_rng(seed)
    head, _, tail = graph.triplets[rows].T
    heads = np.unique(head)
    pools = [heads[graph.type[heads] == node_type] for node_type in range(len(NODE_TYPES))]
    negatives = np.full((len(rows), num), -1, dtype=np.int32)
    is_free = np.ones(len(graph.type), dtype=bool)
    for group in _groups(head * len(NODE_TYPES) + graph.type[tail]):
        # All triplets from one head to one type: their tails are all that is linked.
        is_free[tail[group]] = False
        pool = pools[graph.type[tail[group[0]]]]
        free = pool[is_free[pool]]
        is_free[tail[group]] = True
        places = _choose(len(free), len(group), min(num, len(free)), generator)
        negatives[group, : places.shape[1]] = free[places]
    return negatives


def _groups(keys: np.ndarray) -> list[np.ndarray]:
    """Rows with the same key."""
    order = keys.argsort(kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _choose(num_free: int, num_row: int, num: int, generator: np.random.Generator) -> np.ndarray:
    """In each row `num` of the numbers below `num_free`, without repeats."""
    if num == num_free:
        return np.broadcast_to(np.arange(num), (num_row, num))
    drawn = generator.integers(0, num_free, (num_row, num))
    ordered = np.sort(drawn, axis=1)
    for row in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1)):
        drawn[row] = generator.choice(num_free, num, replace=False)
    return drawn
