"""The terms of DeepFRI's chains: EC numbers, or one branch of the Gene Ontology."""

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from protclip_td.datasets.deepfri_files import read_rows
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

#: In the order in which a file has them.
BRANCHES = ("MF", "BP", "CC")


class ChainTerms(NamedTuple):
    """A vocabulary in order, the names of its terms, and the terms of each chain."""

    terms: list[str]
    names: list[str]
    of_chain: dict[str, list[str]]


def read_ec(path: Path) -> ChainTerms:
    """EC numbers in the order of the file; they are their own names.

    Raises:
        InputError: another kind of file, a term that is listed twice, or a chain with a term that
            is not in the file's list
    """
    rows = read_rows(path, "\t")
    _check_header(path, rows, 0, "### EC-numbers")
    terms = _each_once(path, rows[1])
    return ChainTerms(terms, terms, _terms_of_chains(path, rows[3:], terms, 1))


def read_go(path: Path, branch: int) -> ChainTerms:
    """GO terms of a branch, by its place in `BRANCHES`, in the order of the file.

    Raises:
        InputError: another kind of file, a term that is listed twice, or a chain with a term that
            is not in the file's list
    """
    rows = read_rows(path, "\t")
    _check_header(path, rows, 4 * branch, "### GO-terms")
    terms, names = _each_once(path, rows[4 * branch + 1]), rows[4 * branch + 3]
    return ChainTerms(terms, names, _terms_of_chains(path, rows[13:], terms, branch + 1))


def _check_header(path: Path, rows: list[list[str]], number: int, expected: str) -> None:
    if len(rows) <= number + 3 or not rows[number][0].startswith(expected):
        raise InputError(f"{path} is no annotation file of DeepFRI: expected {expected!r} in it")


def _each_once(path: Path, terms: list[str]) -> list[str]:
    """A term that comes twice, or an empty one, would shift the numbers of those behind it."""
    counts = Counter(terms)
    wrong = [term for term, count in counts.items() if count > 1 or not term]
    if wrong:
        raise InputError(
            f"{path}: the list of terms has {wrong[0]!r} {counts[wrong[0]]} times; expected "
            "each term once and no empty one. The file was changed: replace it"
        )
    return terms


def _terms_of_chains(
    path: Path, rows: Iterable[list[str]], terms: list[str], column: int
) -> dict[str, list[str]]:
    of_chain: dict[str, list[str]] = {}
    replaced = set()
    for chain, *cells in rows:
        cell = cells[column - 1] if len(cells) >= column else ""
        found = cell.split(",") if cell else []
        if set(of_chain.get(chain, found)) != set(found):
            replaced.add(chain)
        of_chain[chain] = found
    if replaced:
        what = "%s: the last of several lines counts, as in TorchDrug, for %d chains: %s"
        logger.warning(what, path, len(replaced), first_few(sorted(replaced)))
    unknown = {term for found in of_chain.values() for term in found} - set(terms)
    if unknown:
        some = first_few(sorted(unknown))
        raise InputError(f"{path}: terms {some} are not in the file's list of terms")
    return of_chain
