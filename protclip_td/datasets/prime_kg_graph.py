"""Reads PrimeKG's table of edges into a graph of the nodes that have a vector."""

import csv
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protclip_td.errors import InputError

#: Types of node that have a modality: a text, a sequence or a molecule.
NODE_TYPES = (
    "biological_process",
    "gene/protein",
    "disease",
    "molecular_function",
    "drug",
    "cellular_component",
)
_COLUMNS = (
    "x_index",
    "x_type",
    "x_name",
    "y_index",
    "y_type",
    "y_name",
    "display_relation",
)


@dataclass(frozen=True)
class KnowledgeGraph:
    """Nodes and triplets, numbered from 0; each edge is there in both directions, as in the file.

    Parameters:
        index (array): PrimeKG's own number of each node, shape :math:`(n,)`
        name (list of str): its name
        type (array): its type, a position in `NODE_TYPES`, shape :math:`(n,)`
        relation_name (list of str): names of the relations
        triplets (array): head, relation and tail, shape :math:`(m, 3)`, each once, in the order
            of the file
    """

    index: np.ndarray
    name: list[str]
    type: np.ndarray
    relation_name: list[str]
    triplets: np.ndarray

    def nodes_of(self, node_type: str) -> np.ndarray:
        """Nodes of a type, in order."""
        return np.flatnonzero(self.type == NODE_TYPES.index(node_type))

    def between(self, head_type: str, tail_type: str) -> np.ndarray:
        """Which triplets lead from one type to another, bool of shape :math:`(m,)`."""
        wanted = NODE_TYPES.index(head_type), NODE_TYPES.index(tail_type)
        head, _, tail = self.triplets.T
        return (self.type[head] == wanted[0]) & (self.type[tail] == wanted[1])


def read_graph(path: Path, nodes: Mapping[str, Collection[int] | None]) -> KnowledgeGraph:
    """Read the triplets between nodes that count.

    Parameters:
        path (Path): PrimeKG's ``kg.csv``
        nodes (dict): by type, PrimeKG's numbers of the nodes that count, or None for all of them;
            types that are not there do not count

    Raises:
        InputError: no table of text, a column is missing, a line is cut, or no triplet is left
    """
    reader = _Reader(nodes)
    for line, cells in _edges(path):
        try:
            reader.add(*cells)
        except ValueError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
    if not reader.triplets:
        raise InputError(f"{path} has no triplet between nodes of {sorted(nodes)} that count")
    return reader.graph()


def _edges(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line, in the order of `_COLUMNS`."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            absent = [name for name in _COLUMNS if name not in header]
            if absent:
                raise InputError(f"{path} has no column {absent}; its first line is {header}")
            places = [header.index(name) for name in _COLUMNS]
            for row in rows:
                # After an interrupted download the last line has fewer cells.
                if len(row) != len(header):
                    raise InputError(
                        f"{path}, line {rows.line_num}: {len(row)} cells; the header has "
                        f"{len(header)}"
                    )
                yield rows.line_num, [row[place] for place in places]
        except (csv.Error, UnicodeDecodeError) as error:
            where = f", near line {rows.line_num}" if rows.line_num else ""
            raise InputError(
                f"{path} is damaged or no table of text{where} ({error}); replace it"
            ) from error


class _Reader:
    """Numbers nodes and relations as they come."""

    def __init__(self, nodes: Mapping[str, Collection[int] | None]) -> None:
        self.nodes = nodes
        self.number: dict[int, int] = {}
        self.names: list[str] = []
        self.types: list[int] = []
        self.relations: dict[str, int] = {}
        self.triplets = array("q")

    def add(
        self,
        x_index: str,
        x_type: str,
        x_name: str,
        y_index: str,
        y_type: str,
        y_name: str,
        relation: str,
    ) -> None:
        """Take in a line, if both of its nodes count."""
        if x_type not in self.nodes or y_type not in self.nodes:
            return
        x, y = int(x_index), int(y_index)
        if self._counts(x, x_type) and self._counts(y, y_type):
            head, tail = self._node(x, x_type, x_name), self._node(y, y_type, y_name)
            number = self.relations.setdefault(relation, len(self.relations))
            self.triplets.extend((head, number, tail))

    def _counts(self, index: int, node_type: str) -> bool:
        known = self.nodes[node_type]
        return known is None or index in known

    def _node(self, index: int, node_type: str, name: str) -> int:
        number = self.number.setdefault(index, len(self.names))
        if number == len(self.names):
            self.names.append(name)
            self.types.append(NODE_TYPES.index(node_type))
        return number

    def graph(self) -> KnowledgeGraph:
        triplets = np.frombuffer(self.triplets, dtype=np.int64).reshape(-1, 3)
        sizes = (len(self.names), len(self.relations), len(self.names))
        keys = np.ravel_multi_index(tuple(triplets.T), sizes)
        first = np.sort(np.unique(keys, return_index=True)[1])
        return KnowledgeGraph(
            np.array(list(self.number)),
            self.names,
            np.array(self.types),
            list(self.relations),
            triplets[first],
        )
