"""The files of DeepFRI's chains: annotations, splits and sequences."""

import csv
import io
import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import ClassVar, NamedTuple

from protclip_td.checks import check_choice
from protclip_td.data.digests import md5_of
from protclip_td.data.remote import fetch
from protclip_td.data.sequences import read_sequences
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

URL = "https://raw.githubusercontent.com/flatironinstitute/DeepFRI/master/preprocessing/data/"
TEST_CUTOFFS = (0.3, 0.4, 0.5, 0.7, 0.95)
BRANCHES = ("MF", "BP", "CC")


class Annotations(NamedTuple):
    """A vocabulary in order, the names of its terms, and the terms of each chain."""

    terms: list[str]
    names: list[str]
    of_chain: dict[str, list[str]]


class ChainFiles:
    """The files of one vocabulary in a folder, under TorchDrug's names or DeepFRI's.

    Parameters:
        folder (Path): where TorchDrug unpacks its archive
        prefix (str): TorchDrug's beginning of the names, such as ``nrPDB-EC``
        release (str): what DeepFRI's names have after it, such as ``_2020.04``
    """

    #: Chains that each list has at least: those of TorchDrug's splits, which leave some out.
    #: DeepFRI publishes no checksum, so a list that lacks whole lines, but fewer than TorchDrug
    #: leaves out, cannot be told from a whole one; the annotations say what may be missing.
    least: ClassVar[dict[str, dict[str, int]]] = {
        "nrPDB-EC": {"train": 15_011, "valid": 1_664, "test": 1_840},
        "nrPDB-GO": {"train": 27_496, "valid": 3_053, "test": 2_991},
    }

    #: Bytes of the files in DeepFRI's repository, as far as they are known.
    sizes: ClassVar[dict[str, int]] = {
        "nrPDB-EC_2020.04_test_sequences.fasta": 617_149,
        "nrPDB-GO_2019.06.18_test_sequences.fasta": 1_267_435,
    }

    def __init__(self, folder: Path, prefix: str, release: str) -> None:
        self.folder, self.prefix, self.release = folder, prefix, release
        #: MD5 of each file that was used.
        self.used: dict[str, str] = {}

    def get(self, ending: str) -> Path:
        """A file of the folder, fetched from DeepFRI if it is not there.

        Raises:
            InputError: it cannot be fetched, or is not whole
        """
        path = self.folder / f"{self.prefix}{ending}"
        if not path.is_file():
            name = self.published(ending)
            path = fetch(URL + name, self.folder, size=self.sizes.get(name))
        if path.suffix != ".csv":
            _check_last_line(path)
        self.used[path.name] = md5_of(path)
        return path

    def published(self, ending: str) -> str:
        """DeepFRI's name of a file."""
        return f"{self.prefix}{self.release}{ending}"


def _rows(path: Path, delimiter: str) -> list[list[str]]:
    """Rows of a table of text, whatever its line ends."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [row for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path} is damaged or no table of text ({error}); replace it") from error


def read_ec(path: Path) -> Annotations:
    """EC numbers in the order of the file; they are their own names.

    Raises:
        InputError: another kind of file, or a chain with a term that is not in the file's list
    """
    rows = _rows(path, "\t")
    _check_header(path, rows, 0, "### EC-numbers")
    return Annotations(rows[1], rows[1], _terms_of_chains(path, rows[3:], rows[1], 1))


def read_go(path: Path, branch: int) -> Annotations:
    """GO terms of a branch, by its place in `BRANCHES`, in the order of the file.

    Raises:
        InputError: another kind of file, or a chain with a term that is not in the file's list
    """
    rows = _rows(path, "\t")
    _check_header(path, rows, 4 * branch, "### GO-terms")
    terms, names = rows[4 * branch + 1], rows[4 * branch + 3]
    return Annotations(terms, names, _terms_of_chains(path, rows[13:], terms, branch + 1))


def _check_header(path: Path, rows: list[list[str]], number: int, expected: str) -> None:
    if len(rows) <= number + 3 or not rows[number][0].startswith(expected):
        raise InputError(f"{path} is no annotation file of DeepFRI: expected {expected!r} in it")


def _check_last_line(path: Path) -> None:
    """A last line that was cut, between two terms or within a sequence, may still be a right one.

    DeepFRI's scripts end the last line too; the script of the tables (CSV) is not published.
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        last = file.read()
    if last not in (b"\n", b"\r"):
        raise InputError(
            f"{path}: its last line has no end, so it may be cut. Remove the file to have it "
            "fetched, or replace it; if it is whole, add the line end."
        )


def _terms_of_chains(
    path: Path, rows: Iterable[list[str]], terms: list[str], column: int
) -> dict[str, list[str]]:
    of_chain = {
        row[0]: row[column].split(",") if len(row) > column and row[column] else [] for row in rows
    }
    unknown = {term for found in of_chain.values() for term in found} - set(terms)
    if unknown:
        some = first_few(sorted(unknown))
        raise InputError(f"{path}: terms {some} are not in the file's list of terms")
    return of_chain


def chains_of_splits(
    files: ChainFiles, annotated: Collection[str], test_cutoff: float, chains_file: str | None
) -> dict[str, list[str]]:
    """Chains of each split, in the order of TorchDrug's sorted file names (``1ABC-A_….pdb``).

    Parameters:
        files (ChainFiles): where the lists are
        annotated (collection of str): chains with an annotation; those in no list are counted
        test_cutoff (float): a test chain is at most this identical to a training chain
        chains_file (str, optional): file with the chains to keep

    Raises:
        InputError: an unknown cut-off, no such file, one that is not whole, or an empty split
    """
    check_choice("test_cutoff", test_cutoff, TEST_CUTOFFS)
    column = TEST_CUTOFFS.index(test_cutoff) + 1
    splits = {name: _read_list(files.get(f"_{name}.txt")) for name in ("train", "valid")}
    flags = _test_rows(files.get("_test.csv"))
    _check_sizes(files, {**{name: len(c) for name, c in splits.items()}, "test": len(flags)})
    _count_unlisted(files.folder, annotated, [*splits.values(), [row[0] for row in flags]])
    splits["test"] = [row[0] for row in flags if row[column] != "0"]
    if chains_file is not None:
        kept = set(_chosen(files, Path(chains_file).expanduser()))
        splits = {name: [c for c in chains if c in kept] for name, chains in splits.items()}
    for name, chains in splits.items():
        if not chains:
            raise InputError(f"{files.folder}: split {name!r} has no chain")
    return {name: sorted(chains, key=lambda c: f"{c}_") for name, chains in splits.items()}


def _test_rows(path: Path) -> list[list[str]]:
    """Test chains, each with a flag for every cut-off."""
    rows = _rows(path, ",")[1:]
    for row in rows:
        if len(row) <= len(TEST_CUTOFFS) or "" in row[: len(TEST_CUTOFFS) + 1]:
            raise InputError(
                f"{path}: row {row} has {sum(map(bool, row))} cells; expected a chain and a flag "
                f"for each of {list(TEST_CUTOFFS)}. The file is damaged or another one: replace it."
            )
    return rows


def _check_sizes(files: ChainFiles, sizes: dict[str, int]) -> None:
    """A list that was cut between two lines looks whole."""
    for name, least in files.least.get(files.prefix, {}).items():
        if sizes[name] < least:
            raise InputError(
                f"{files.folder}: the list of {name} chains is not whole, with {sizes[name]:,} "
                f"chains; expected {least:,} or more. Remove {files.prefix}*_{name}.* to have it "
                "fetched, or replace it."
            )


def _count_unlisted(folder: Path, annotated: Iterable[str], lists: Iterable[list[str]]) -> None:
    """DeepFRI puts every annotated chain into one of its lists."""
    unlisted = set(annotated).difference(*lists)
    if unlisted:
        logger.warning(
            "%s: %d annotated chains are in none of the lists, such as %s; was a list cut?",
            folder,
            len(unlisted),
            min(unlisted),
        )


def _chosen(files: ChainFiles, path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"chains: {path}: no such file; expected one chain per line, as 1ABC-A")
    files.used[path.name] = md5_of(path)
    return _read_list(path)


def _read_list(path: Path) -> list[str]:
    """Words of a text, whatever its line ends."""
    try:
        return path.read_text(encoding="utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is damaged or no text ({error}); replace it") from error


def sequences_of_chains(files: ChainFiles, splits: dict[str, list[str]]) -> dict[str, str]:
    """Sequence of each chain.

    Raises:
        InputError: a chain of the splits has none
    """
    path = files.get("_sequences.fasta")
    sequences = read_sequences(path)
    if any(chain not in sequences for chain in splits["test"]):
        sequences |= read_sequences(files.get("_test_sequences.fasta"))
    missing = [c for chains in splits.values() for c in chains if c not in sequences]
    if missing:
        raise InputError(
            f"{path} has no sequence of {len(missing)} chains of the splits: "
            f"{first_few(missing)}. Add them, or give a list of the `chains` to keep"
        )
    return sequences
