"""Reads PrimeKG's table of edges into a graph of the nodes that have a vector."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from protclip_td.errors import InputError

#: The types of node that are no text but a sequence or a molecule.
PROTEIN, DRUG = "gene/protein", "drug"
#: Types of node that have a modality: a text, a sequence or a molecule.
NODE_TYPES = (
    "biological_process",
    PROTEIN,
    "disease",
    "molecular_function",
    DRUG,
    "cellular_component",
)
# Each text is kept once for some thousand lines.
_TEXT = pa.dictionary(pa.int32(), pa.string())
_COLUMNS = {
    "x_index": pa.int64(),
    "x_type": _TEXT,
    "x_name": _TEXT,
    "y_index": pa.int64(),
    "y_type": _TEXT,
    "y_name": _TEXT,
    "display_relation": _TEXT,
}


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
        InputError: no table of text, a column is missing, a line is cut, a node's number is none,
            or no triplet is left
    """
    known = {kind: None if some is None else np.array([*some]) for kind, some in nodes.items()}
    try:
        with _open(path) as reader:
            batches = (batch.filter(_both_count(batch, known)) for batch in reader)
            edges = pa.Table.from_batches(batches, reader.schema)
    except pa.ArrowKeyError as error:
        raise InputError(f"{path}: {error}; expected the columns {[*_COLUMNS]}") from error
    except pa.ArrowInvalid as error:
        # After an interrupted download the last line has fewer cells.
        raise InputError(f"{path} is damaged or no table of text ({error}); replace it") from error
    if not len(edges):
        raise InputError(f"{path} has no triplet between nodes of {sorted(nodes)} that count")
    graph = _graph(edges)
    del edges
    pa.default_memory_pool().release_unused()  # half a gigabyte, which Arrow would hold on to
    return graph


def _open(path: Path) -> csv.CSVStreamingReader:
    return csv.open_csv(
        path,
        csv.ReadOptions(use_threads=False),  # with threads, not all messages name the row
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(include_columns=[*_COLUMNS], column_types=_COLUMNS, null_values=[]),
    )


def _both_count(batch: pa.RecordBatch, known: Mapping[str, np.ndarray | None]) -> pa.Array:
    """Which lines have two nodes that count."""
    counts = np.zeros((2, len(batch)), dtype=bool)
    for end, of_end in zip("xy", counts):
        index, types = batch[f"{end}_index"].to_numpy(), batch[f"{end}_type"]
        for kind, numbers in known.items():
            lines = np.flatnonzero(compute.equal(types, kind))
            of_end[lines] = True if numbers is None else np.isin(index[lines], numbers)
    return pa.array(counts.all(axis=0))


def _graph(edges: pa.Table) -> KnowledgeGraph:
    """Number nodes and relations as they come up, line by line, x before y."""
    nodes = pa.array(np.column_stack([edges["x_index"], edges["y_index"]]).ravel())
    nodes = nodes.dictionary_encode()
    number = nodes.indices.to_numpy()
    # Their dictionaries hold those of lines that do not count, too.
    relations = edges["display_relation"].cast(pa.string()).combine_chunks().dictionary_encode()
    triplets = np.column_stack([number[0::2], relations.indices, number[1::2]]).astype(np.int64)
    # A node's name and type are those of the line where it comes up first, with a new number.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(number), prepend=-1))
    line, is_y = np.divmod(first, 2)

    def at_first(what: str) -> pa.Array:
        x, y = (edges[f"{end}_{what}"].take(pa.array(line)) for end in "xy")
        return compute.if_else(pa.array(is_y == 1), y, x)

    return KnowledgeGraph(
        np.array(nodes.dictionary),
        at_first("name").to_pylist(),
        np.array(compute.index_in(at_first("type"), pa.array(NODE_TYPES)), dtype=np.int64),
        relations.dictionary.to_pylist(),
        _each_once(triplets),
    )


def _each_once(triplets: np.ndarray) -> np.ndarray:
    """Without those that are there already, in order."""
    keys = np.ravel_multi_index(tuple(triplets.T), tuple(triplets.max(axis=0) + 1))
    return triplets[np.sort(np.unique(keys, return_index=True)[1])]
