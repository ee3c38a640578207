"""Which pairs of a network are for training, validation and test; drawn once and kept in a file.

Test pairs are drawn at random, or as the neighbourhood of one protein, so that they hold proteins
that training hardly knows: breadth first (bfs) or depth first (dfs).

Source: GNN-PPI (Lv et al., IJCAI 2021), section on the partition schemes.
"""

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from protclip_td.errors import InputError
from protclip_td.whole_files import write_json

WAYS = ("random", "bfs", "dfs")
#: The search starts at a protein with at most so many partners (released code of GNN-PPI).
_MOST_PARTNERS = 5


class Draw(NamedTuple):
    """How a split is drawn: the arguments of `draw_split` beside the pairs."""

    split: str
    test_fraction: float
    valid_fraction: float
    seed: int


class Split(NamedTuple):
    """Rows of the pairs for each purpose, none for two."""

    train: list[int]
    valid: list[int]
    test: list[int]


def draw_split(
    pairs: np.ndarray, way: str, test_fraction: float, valid_fraction: float, seed: int
) -> Split:
    """Draw test pairs, then validation pairs at random from the rest.

    Parameters:
        pairs (array): positions of two proteins, shape :math:`(m, 2)`
        way (str): ``random``, ``bfs`` or ``dfs``
        test_fraction (float): share of all pairs
        valid_fraction (float): share of the pairs left for training
        seed (int): another seed, another draw
    """
    generator = np.random.default_rng(seed)
    num_test = int(len(pairs) * test_fraction)
    if way == "random":
        test = generator.permutation(len(pairs))[:num_test]
    else:
        test = np.array(_neighbourhood(pairs, way, num_test, generator), dtype=int)
    return divide(len(pairs), test, valid_fraction, generator)


def divide(
    num_pair: int, test: np.ndarray, valid_fraction: float, generator: np.random.Generator
) -> Split:
    """Validation pairs drawn from all but the test pairs."""
    rest = generator.permutation(np.setdiff1d(np.arange(num_pair), test))
    num_valid = int(len(rest) * valid_fraction)
    parts = (rest[num_valid:], rest[:num_valid], test)
    return Split(*(np.sort(part).tolist() for part in parts))


def _neighbourhood(
    pairs: np.ndarray, way: str, num_test: int, generator: np.random.Generator
) -> list[int]:
    """Pairs on the way of a search, each protein visited with all of its pairs."""
    both = pairs.tolist()
    rows_of = _rows_of_proteins(both)
    visited: set[int] = set()
    chosen: dict[int, None] = {}
    waiting: deque[int] = deque()
    while len(chosen) < num_test:
        if not waiting:
            waiting.append(_start(rows_of, visited, generator))
        protein = waiting.popleft() if way == "bfs" else waiting.pop()
        if protein in visited:
            continue
        visited.add(protein)
        chosen.update(dict.fromkeys(rows_of[protein]))
        partners = [sum(both[row]) - protein for row in rows_of[protein]]
        # Depth first goes on with the first partner, which so has to lie on top.
        waiting.extend(partners if way == "bfs" else reversed(partners))
    return list(chosen)


def _rows_of_proteins(pairs: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    rows_of: dict[int, list[int]] = {}
    for row, pair in enumerate(pairs):
        for protein in pair:
            rows_of.setdefault(protein, []).append(row)
    return rows_of


def _start(
    rows_of: Mapping[int, list[int]], visited: set[int], generator: np.random.Generator
) -> int:
    """A protein with few partners, not yet visited."""
    left = [protein for protein in rows_of if protein not in visited]
    few = [protein for protein in left if len(rows_of[protein]) <= _MOST_PARTNERS]
    return int(generator.choice(few or left))


def pairs_digest(pairs: np.ndarray) -> str:
    """By what a network's pairs are known, in their order."""
    return hashlib.sha256(pairs.astype("<i8").tobytes()).hexdigest()


def split_digest(split: Split) -> str:
    """By what a split is known."""
    return hashlib.sha256(json.dumps(split).encode()).hexdigest()


def write_split(path: Path, split: Split, pairs: np.ndarray, origin: Mapping[str, Any]) -> None:
    """Write a split of some pairs, and where it is from, to a JSON file."""
    origin = {**origin, "num_pair": len(pairs), "pairs_sha256": pairs_digest(pairs)}
    lists = {f"{name}_index": rows for name, rows in split._asdict().items()}
    write_json(path, {**origin, **lists})


def read_split(path: Path, pairs: np.ndarray, draw: Draw) -> Split:
    """Read a split of these pairs, of ours or of GNN-PPI.

    Ours say how they were drawn, which must be what is asked for. GNN-PPI's do not; they have two
    lists, of which ``valid_index`` is the test, and validation pairs are then drawn from the
    training.

    Parameters:
        path (Path): JSON file
        pairs (array): positions of two proteins, shape :math:`(m, 2)`
        draw (Draw): what is asked for

    Raises:
        InputError: the file is no split, one of another network, another than asked for, or one
            without pairs for training, validation or test
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        train, valid, test = (content.get(f"{name}_index") for name in Split._fields)
        if test is None:
            train, valid, test = train, [], valid
        rows = [*train, *valid, *test]
        is_whole = sorted(rows) == list(range(len(pairs))) and {type(row) for row in rows} == {int}
        is_whole &= content.get("pairs_sha256") in (None, pairs_digest(pairs))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no split ({type(error).__name__}: {error}); expected JSON with the lists "
            "train_index, valid_index and test_index. Remove it to have one drawn."
        ) from error
    if not is_whole:
        raise InputError(
            f"{path}: its {len(train)} training, {len(valid)} validation and {len(test)} test "
            f"pairs are not the {len(pairs)} pairs of this network, each once. It is from other "
            "data: name another `split_file`, or remove it to have one drawn."
        )
    _check_draw(path, content, draw)
    split = Split(train, valid, test)
    if not valid:
        generator = np.random.default_rng(draw.seed)
        split = divide(len(pairs), np.array(test, dtype=int), draw.valid_fraction, generator)
    if not all(split):
        sizes = {name: len(rows) for name, rows in split._asdict().items()}
        raise InputError(
            f"{path} leaves nothing for one of {sizes}; expected pairs for each. Name another "
            "`split_file`, or remove it to have one drawn."
        )
    return split


def _check_draw(path: Path, content: Mapping[str, Any], draw: Draw) -> None:
    """The file must be the split whose name its results will bear."""
    asked = draw._asdict()
    other = {key: content[key] for key in asked if content.get(key, asked[key]) != asked[key]}
    if other:
        wanted = {key: asked[key] for key in other}
        raise InputError(
            f"{path} holds another split than asked for: {_in_words(other)} in the file, "
            f"{_in_words(wanted)} asked for. Ask for what the file holds, or name another "
            "`split_file`."
        )


def _in_words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value!r}" for key, value in values.items())
