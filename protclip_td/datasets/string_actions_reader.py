"""Reads a network of protein actions and its sequences, in STRING's layout and GNN-PPI's."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from protclip_td.data.reading.sequences import read_sequences
from protclip_td.data.reading.text_lines import text_lines
from protclip_td.data.residues import check_sequence
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

#: Types of action in the order of the published labels.
ACTIONS = ("reaction", "binding", "ptmod", "activation", "inhibition", "catalysis", "expression")
_COLUMNS = ("item_id_a", "item_id_b", "mode")
_SEQUENCES = "FASTA, or lines of name, tab and sequence"


class Network(NamedTuple):
    """Proteins and the pairs of them that act on each other, each pair once.

    Parameters:
        proteins (list of str): names, in the order in which the file brings them up
        pairs (array): positions of the two proteins, shape :math:`(m, 2)`
        labels (array): zeros and ones, shape :math:`(m, 7)`, columns as in `ACTIONS`
    """

    proteins: list[str]
    pairs: np.ndarray
    labels: np.ndarray


def read_network(path: Path) -> Network:
    """Read a table of actions; the lines of a pair, in either direction, make one pair.

    Lines of a protein that acts on itself are left out with a warning: they are no pair.

    Parameters:
        path (Path): tab-separated with a header line, such as STRING's
            ``9606.protein.actions.v11.0.txt``, plain or gzip

    Returns:
        Network: numbered as the code of GNN-PPI does, so that its split files fit

    Raises:
        InputError: a column is missing, a type of action is unknown, or a line is cut
    """
    number: dict[str, int] = {}
    row_of: dict[tuple[int, int], int] = {}
    labels: list[list[int]] = []
    for first, second, action in _actions(path):
        for name in (first, second):
            number.setdefault(name, len(number))
        low, high = sorted((first, second))
        row = row_of.setdefault((number[low], number[high]), len(labels))
        if row == len(labels):
            labels.append([0] * len(ACTIONS))
        labels[row][action] = 1
    if not labels:
        raise InputError(f"{path} has a header line and no action of two proteins below it")
    return Network(list(number), np.array(list(row_of)), np.array(labels, dtype=np.uint8))


def _actions(path: Path) -> Iterator[tuple[str, str, int]]:
    """Both proteins of each line and the position of its action."""
    action_of = {name: i for i, name in enumerate(ACTIONS)}
    lines = text_lines(path, "a table of actions")
    header = next(lines, (1, ""))[1].split("\t")
    absent = [name for name in _COLUMNS if name not in header]
    if absent:
        raise InputError(f"{path} has no column {absent}; its first line is {header}")
    columns = [header.index(name) for name in _COLUMNS]
    on_itself = 0
    for number, line in lines:
        if not line:
            continue
        row, where = line.split("\t"), f"{path}, line {number}"
        if len(row) != len(header):
            raise InputError(f"{where}: {len(row)} cells; the header has {len(header)}")
        first, second, mode = (row[column] for column in columns)
        if mode not in action_of:
            raise InputError(f"{where}: action {mode!r} is none of {list(ACTIONS)}")
        if first == second:
            on_itself += 1
            continue
        yield first, second, action_of[mode]
    if on_itself:
        logger.warning("%s: left out %d lines of a protein acting on itself", path, on_itself)


def largest_component(network: Network) -> Network:
    """The part of a network that hangs together and has the most proteins."""
    size = len(network.proteins)
    first, second = network.pairs.T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    kept = component == np.argmax(np.bincount(component))
    rows = kept[network.pairs[:, 0]]
    names = [name for name, is_kept in zip(network.proteins, kept) if is_kept]
    return Network(names, (kept.cumsum() - 1)[network.pairs[rows]], network.labels[rows])


def sequences_of(path: Path, names: Sequence[str]) -> list[str]:
    """Sequences of the proteins of a network, in their order.

    Parameters:
        path (Path): FASTA, or lines of name, tab and sequence; plain or gzip
        names (list of str): proteins

    Raises:
        InputError: a protein has no sequence, two different ones, or one with letters that are no
            residues
    """
    is_fasta = next(text_lines(path, _SEQUENCES), (1, ""))[1].startswith(">")
    sequences = read_sequences(path, set(names)) if is_fasta else _sequences_of_table(path)
    absent = [name for name in names if name not in sequences]
    if absent:
        raise InputError(
            f"{path} has no sequence for {len(absent)} of {len(names)} proteins of the network: "
            f"{first_few(absent)}"
        )
    for name in names:
        check_sequence(sequences[name], f"{path}: {name}")
    return [sequences[name] for name in names]


def _sequences_of_table(path: Path) -> dict[str, str]:
    """Sequences of a table without a header line."""
    found: dict[str, str] = {}
    for number, line in text_lines(path, _SEQUENCES):
        name, tab, rest = line.partition("\t")
        sequence = rest.partition("\t")[0].strip()
        if tab and found.setdefault(name, sequence) != sequence:
            raise InputError(f"{path}, line {number}: {name} comes twice, with different sequences")
    return found
