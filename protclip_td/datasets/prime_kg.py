"""PrimeKG, a graph of diseases, drugs, proteins and their functions, for cross-modal prediction."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice, check_count, check_fraction
from protclip_td.data.digests import md5_by_name, md5_of
from protclip_td.data.outside.remote import DataFile, fetch_all
from protclip_td.datasets.indexing import only_item, takes_slices
from protclip_td.datasets.prime_kg_files import EDGES, FILES, NODES
from protclip_td.datasets.prime_kg_graph import (
    DRUG,
    NODE_TYPES,
    PROTEIN,
    KnowledgeGraph,
    read_graph,
)
from protclip_td.datasets.prime_kg_nodes import (
    read_node_list,
    read_node_sequences,
    read_node_vectors,
)
from protclip_td.datasets.prime_kg_split import draw_negatives, hold_out
from protclip_td.datasets.splits import PROTOCOLS, consecutive_splits
from protclip_td.errors import InputError


class Target(NamedTuple):
    """What is predicted from what."""

    head_type: str
    tail_type: str


TARGETS = {
    "prot2bp": Target(PROTEIN, "biological_process"),
    "prot2mf": Target(PROTEIN, "molecular_function"),
    "prot2cc": Target(PROTEIN, "cellular_component"),
    "prot2drug": Target(PROTEIN, DRUG),
    "disease2prot": Target("disease", PROTEIN),
}
#: In the published protocol a candidate is seen at least so many times in one relation.
_PUBLISHED_COUNT = 50


@R.register("datasets.PrimeKG")
class PrimeKG(torch_data.Dataset, core.Configurable):
    """Triplets of PrimeKG between proteins, gene ontology terms, diseases and drugs.

    Statistics:
        - PrimeKG: 129,375 nodes of 10 types, 4,050,249 edges, each in both directions
        - between the six types used here: 3,912,240 triplets

    Source: PrimeKG (Chandak et al., Scientific Data 2023), CC0 1.0; the nodes that count, their
    sequences and the UniMol vectors of drugs are those of BioBridge (Wang et al., ICLR 2024), MIT.

    The files lie in the folder ``primekg`` under `path` and are fetched where they are missing:
    ``kg.csv``, ``protein.csv`` (sequences), ``drug.pkl`` (vectors; or ``drug.npz``), and the lists
    ``biological.csv``, ``molecular.csv``, ``cellular.csv`` and ``disease.csv``; of these only what
    the relations need.

    A training item is a dict with `head`, `relation` and `tail` (numbers in `graph`) and
    `negatives`, nodes of shape :math:`(k,)` that are not linked to the head, −1 where there are
    fewer. An item of the validation or test set is a question, `head` and `relation`, whose
    answers are in `answers`.

    In ``split: published`` training leaves out the triplets whose head is held out, but not the
    same edges in the other direction, so it has seen what is asked; candidates are the tails that
    occur at least 50 times in one relation. In ``clean`` it leaves out both, and every node of the
    type is a candidate.

    Parameters:
        path (str): folder for data sets
        target (str, optional): ``prot2bp``, ``prot2mf``, ``prot2cc``, ``prot2drug`` or
            ``disease2prot``
        split (str, optional): ``clean`` or ``published``
        relations (str, optional): train on ``all`` relations of the six types (published), or on
            those of the ``target`` alone: between its two types, in both directions
        test_fraction (float, optional): share of the head nodes of each type held out for test
        valid_fraction (float, optional): share of the remaining heads of the target held out for
            validation; with 0, as published, there is none, and the last epoch counts
        num_negative (int, optional): negatives drawn for each triplet
        seed (int, optional): seed of all draws, 42 in the published code

    Raises:
        InputError: a file is missing or wrong, nothing is left to ask, or an unknown option

    Example::

        >>> dataset = PrimeKG("~/protein-datasets", target="prot2mf", relations="target")
        >>> train, valid, test = dataset.split()
    """

    #: Address of each file, and what is known of it.
    files = FILES

    def __init__(
        self,
        path: str,
        target: Literal["prot2bp", "prot2mf", "prot2cc", "prot2drug", "disease2prot"] = "prot2bp",
        split: Literal["clean", "published"] = "clean",
        relations: Literal["all", "target"] = "all",
        test_fraction: float = 0.1,
        valid_fraction: float = 0.1,
        num_negative: int = 50,
        seed: int = 42,
    ) -> None:
        check_choice("target", target, list(TARGETS))
        check_choice("split", split, PROTOCOLS)
        check_choice("relations", relations, ("all", "target"))
        check_fraction("test_fraction", test_fraction)
        check_fraction("valid_fraction", valid_fraction, may_be_zero=True)
        check_count("num_negative", num_negative)
        self.folder = Path(path).expanduser() / "primekg"
        self.target = TARGETS[target]
        self.split_name, self.relations, self.valid_fraction = split, relations, valid_fraction
        #: MD5 of each file that was used.
        self.used: dict[str, str] = {}
        self.graph = self._read_graph(NODE_TYPES if relations == "all" else self.target)
        head_type = self.target.head_type
        self.held_out = hold_out(self.graph, head_type, split, test_fraction, valid_fraction, seed)
        rows = self._training_rows()
        self._train = self.graph.triplets[rows]
        self._negatives = draw_negatives(self.graph, rows, num_negative, seed)
        self._find_answers()
        self._questions = {
            name: self._questions_about(nodes)
            for name, nodes in (("valid", self.held_out.valid), ("test", self.held_out.test))
        }
        asked = [*self._questions["valid"], *self._questions["test"]]
        self._asked = np.array(asked, dtype=np.int64)
        self._check_sizes()

    def _read_graph(self, types: Sequence[str]) -> KnowledgeGraph:
        """Sequences, vectors and the triplets between the nodes that count."""
        tables = [self._nodes_file(node_type) for node_type in types]
        *paths, edges = fetch_all([*tables, self._file(EDGES)])
        nodes: dict[str, Any] = {}
        self._sequence_of: dict[int, str] = {}
        self._vector_of: dict[int, np.ndarray] = {}
        self.used = md5_by_name(paths)
        for node_type, file in zip(types, paths):
            if node_type == PROTEIN:
                nodes[node_type] = self._sequence_of = read_node_sequences(file)
            elif node_type == DRUG:
                nodes[node_type] = self._vector_of = read_node_vectors(file)
            else:
                nodes[node_type] = read_node_list(file)
        _, published = self.files[EDGES]
        self.used[EDGES] = published.md5 or md5_of(edges)  # which `fetch_all` has made sure of
        graph = read_graph(edges, nodes)
        if not graph.between(*self.target).any():
            raise InputError(
                f"{self.folder}/{EDGES} has no triplet from {self.target.head_type} to "
                f"{self.target.tail_type} between nodes that count"
            )
        return graph

    def _nodes_file(self, node_type: str) -> DataFile:
        if node_type == DRUG and (self.folder / "drug.npz").exists():
            return DataFile(self.folder / "drug.npz", "made of drug.pkl", by_hand=True)
        return self._file(NODES[node_type])

    def _file(self, name: str) -> DataFile:
        return DataFile(self.folder / name, *self.files[name])

    def _training_rows(self) -> np.ndarray:
        rows = self.held_out.train_rows
        if self.relations == "all":
            return rows
        head_type, tail_type = self.target
        graph = self.graph
        wanted = graph.between(head_type, tail_type) | graph.between(tail_type, head_type)
        return rows[wanted[rows]]

    def _find_answers(self) -> None:
        """Candidates, and which of them each question of the whole graph has as its answers."""
        asked = self.graph.triplets[self.graph.between(*self.target)]
        self.candidates = self.graph.nodes_of(self.target.tail_type)
        if self.split_name == "published":
            # The published code counts after it has chosen one relation.
            seen, counts = np.unique(asked[:, 1:], axis=0, return_counts=True)
            frequent = seen[counts >= _PUBLISHED_COUNT, 1]
            self.candidates = self.candidates[np.isin(self.candidates, frequent)]
        place = {node: i for i, node in enumerate(self.candidates.tolist())}
        #: Positions among the candidates, by head and relation.
        self.answers: dict[tuple[int, int], list[int]] = {}
        for head, relation, tail in asked.tolist():
            if tail in place:
                self.answers.setdefault((head, relation), []).append(place[tail])

    def _questions_about(self, nodes: np.ndarray) -> list[tuple[int, int]]:
        """Heads among the nodes, and relations, that have an answer among the candidates."""
        chosen = set(nodes.tolist())
        return [question for question in self.answers if question[0] in chosen]

    def _check_sizes(self) -> None:
        sizes = {"train": len(self._train)}
        sizes |= {name: len(questions) for name, questions in self._questions.items()}
        empty = [name for name, size in sizes.items() if not size]
        if empty == ["valid"] and self.valid_fraction == 0:
            return
        if empty:
            raise InputError(
                f"nothing is left for {' and '.join(empty)} ({sizes}, "
                f"{len(self.candidates)} candidates); the graph in {self.folder} is too small for "
                f"split {self.split_name!r} with these fractions"
            )

    @property
    def node_types(self) -> list[str]:
        """Types of the nodes, by `graph.type`."""
        return list(NODE_TYPES)

    def sequences(self) -> list[str]:
        """Sequences of the proteins, in the order of `graph.nodes_of`."""
        nodes = self.graph.nodes_of(PROTEIN)
        return [self._sequence_of[index] for index in self.graph.index[nodes].tolist()]

    def texts(self, node_type: str) -> list[str]:
        """Names of the nodes of a type, in the order of `graph.nodes_of`."""
        return [self.graph.name[node] for node in self.graph.nodes_of(node_type).tolist()]

    def drug_vectors(self) -> Tensor:
        """Vectors of the drugs, in the order of `graph.nodes_of`."""
        nodes = self.graph.nodes_of(DRUG)
        rows = [self._vector_of[index] for index in self.graph.index[nodes].tolist()]
        return torch.from_numpy(np.stack(rows))

    def split(self) -> list[torch_data.Subset]:
        """Training triplets, and the questions for validation and test."""
        return consecutive_splits(self, [len(self._train), *map(len, self._questions.values())])

    @property
    def manifest(self) -> dict[str, Any]:
        """What the data are, for the folder of a run."""
        counts = {name: len(self.graph.nodes_of(name)) for name in NODE_TYPES}
        return {
            "folder": str(self.folder),
            "files": self.used,
            "protocol": self._protocol(),
            "split": self.split_name,
            "relations": self.relations,
            "valid_fraction": self.valid_fraction,
            "from": self.target.head_type,
            "to": self.target.tail_type,
            "nodes": {name: count for name, count in counts.items() if count},
            "triplets": len(self.graph.triplets),
            "candidates": len(self.candidates),
            "selected_on": "valid" if self._questions["valid"] else None,
        }

    def _protocol(self) -> str:
        words: list[str] = [self.split_name]
        if self.relations == "target":
            words.append("target's relations")
        if self.split_name == "published" and self.valid_fraction:
            words.append("with validation")
        return ", ".join(words)

    def __len__(self) -> int:
        return len(self._train) + len(self._asked)

    @takes_slices
    def __getitem__(self, index: int) -> dict[str, Any]:
        return only_item(self.get_batch([index]))

    def get_batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """Items of one split as a batch; single ones take far longer to make.

        Raises:
            ValueError: training triplets and questions, which have other keys, are mixed
        """
        rows = np.asarray(indices)
        is_train = rows < len(self._train)
        if is_train.all():
            arrays = dict(zip(("head", "relation", "tail"), self._train[rows].T))
            arrays["negatives"] = self._negatives[rows].astype(np.int64)
        elif not is_train.any():
            arrays = dict(zip(("head", "relation"), self._asked[rows - len(self._train)].T))
        else:
            raise ValueError("a batch of training triplets and of questions; expected one split")
        return {name: torch.from_numpy(values) for name, values in arrays.items()}
