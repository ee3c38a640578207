"""Enzyme Commission and Gene Ontology from sequences alone, as TorchDrug splits and labels them.

TorchDrug's `EnzymeCommission` and `GeneOntology` read PDB archives of many gigabytes, of which a
sequence model keeps the sequence. DeepFRI publishes the sequences of the same chains with the same
lists and annotations in a few megabytes. Labels, their order, the splits and the order of the
chains are TorchDrug's. Two things differ:

- The sequence is the chain's whole sequence (SEQRES); TorchDrug's has the resolved residues only.
- TorchDrug leaves out chains whose structure it cannot read, a few percent. To compare row by row
  give a list of the chains to keep as `chains`; from TorchDrug's data set it is
  ``[Path(file).name.split("_")[0] for file in dataset.pdb_files]``, one per line.
"""

import csv
import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils import data as torch_data
from torchdrug import data, utils
from torchdrug.core import Registry as R

from protclip_td.data.remote import fetch
from protclip_td.data.residues import RESIDUES_ONLY
from protclip_td.data.sequences import read_sequences
from protclip_td.datasets.splits import SPLITS, consecutive_splits
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

_URL = "https://raw.githubusercontent.com/flatironinstitute/DeepFRI/master/preprocessing/data/"
_LOADING = utils.copy_args(
    data.ProteinDataset.load_sequence, ignore=("sequences", "targets", "attributes")
)
TEST_CUTOFFS = (0.3, 0.4, 0.5, 0.7, 0.95)
BRANCHES = ("MF", "BP", "CC")


class Annotations(NamedTuple):
    """A vocabulary in order, the names of its terms, and the terms of each chain."""

    terms: list[str]
    names: list[str]
    of_chain: dict[str, list[str]]


@R.register("datasets.ECSequences")
@_LOADING
class ECSequences(data.ProteinDataset):
    """
    Protein chains with the Enzyme Commission numbers of the reactions they catalyse.

    Source: DeepFRI (Gligorijević et al., Nature Communications 2021), BSD 3-Clause; sequences from
    the PDB (CC0), annotations from SIFTS.

    Statistics (test_cutoff=0.95):
        - #Train, #Valid, #Test of TorchDrug: 15,011, 1,664, 1,840; here a few percent more
        - #Term: 538

    Chains have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets; the files lie in its subfolder `EnzymeCommission`
        test_cutoff (float, optional): a test chain is at most this identical to a training chain
        chains (str, optional): file with the chains to keep, one per line
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    def __init__(
        self,
        path: str,
        test_cutoff: float = 0.95,
        chains: str | None = None,
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        files = _Files(Path(path).expanduser() / "EnzymeCommission", "nrPDB-EC", "_2020.04")
        annotations = _read_ec(files.get("_annot.tsv"))
        _load(self, files, annotations, test_cutoff, chains, lazy=lazy, verbose=verbose, **kwargs)

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)

    def get_item(self, index: int) -> dict[str, Any]:
        """A chain, and its labels as zeros and ones."""
        return _item(self, index)


@R.register("datasets.GOSequences")
@_LOADING
class GOSequences(data.ProteinDataset):
    """
    Protein chains with their terms of one branch of the Gene Ontology.

    Source: DeepFRI (Gligorijević et al., Nature Communications 2021), BSD 3-Clause; sequences from
    the PDB (CC0), annotations from SIFTS, terms from the Gene Ontology (CC BY 4.0).

    Statistics (test_cutoff=0.95):
        - #Train, #Valid, #Test of TorchDrug: 27,496, 3,053, 2,991; here a few percent more
        - #Term: 489 (MF), 1,943 (BP), 320 (CC)

    Chains have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets; the files lie in its subfolder `GeneOntology`
        branch (str, optional): ``MF``, ``BP`` or ``CC``
        test_cutoff (float, optional): a test chain is at most this identical to a training chain
        chains (str, optional): file with the chains to keep, one per line
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    def __init__(
        self,
        path: str,
        branch: str = "MF",
        test_cutoff: float = 0.95,
        chains: str | None = None,
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        if branch not in BRANCHES:
            raise InputError(f"branch: {branch!r} given; expected one of {list(BRANCHES)}")
        files = _Files(Path(path).expanduser() / "GeneOntology", "nrPDB-GO", "_2019.06.18")
        annotations = _read_go(files.get("_annot.tsv"), BRANCHES.index(branch))
        _load(self, files, annotations, test_cutoff, chains, lazy=lazy, verbose=verbose, **kwargs)

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)

    def get_item(self, index: int) -> dict[str, Any]:
        """A chain, and its labels as zeros and ones."""
        return _item(self, index)


class _Files:
    """The files of one vocabulary in a folder, under TorchDrug's names or DeepFRI's.

    Parameters:
        folder (Path): where TorchDrug unpacks its archive
        prefix (str): TorchDrug's beginning of the names, such as ``nrPDB-EC``
        release (str): what DeepFRI's names have after it, such as ``_2020.04``
    """

    def __init__(self, folder: Path, prefix: str, release: str) -> None:
        self.folder, self.prefix, self.release = folder, prefix, release

    def get(self, ending: str) -> Path:
        """A file of the folder, fetched from DeepFRI if it is not there."""
        path = self.folder / f"{self.prefix}{ending}"
        return path if path.is_file() else fetch(_URL + self.published(ending), self.folder)

    def published(self, ending: str) -> str:
        """DeepFRI's name of a file."""
        return f"{self.prefix}{self.release}{ending}"


def _rows(path: Path, delimiter: str) -> list[list[str]]:
    """Rows of a table of text, whatever its line ends."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def _read_ec(path: Path) -> Annotations:
    """EC numbers in the order of the file; they are their own names."""
    rows = _rows(path, "\t")
    _check_header(path, rows, 0, "### EC-numbers")
    return Annotations(rows[1], rows[1], _terms_of_chains(path, rows[3:], rows[1], 1))


def _read_go(path: Path, branch: int) -> Annotations:
    """GO terms of a branch in the order of the file."""
    rows = _rows(path, "\t")
    _check_header(path, rows, 4 * branch, "### GO-terms")
    terms, names = rows[4 * branch + 1], rows[4 * branch + 3]
    return Annotations(terms, names, _terms_of_chains(path, rows[13:], terms, branch + 1))


def _check_header(path: Path, rows: list[list[str]], number: int, expected: str) -> None:
    if len(rows) <= number + 3 or not rows[number][0].startswith(expected):
        raise InputError(f"{path} is no annotation file of DeepFRI: expected {expected!r} in it")


def _terms_of_chains(
    path: Path, rows: Iterable[list[str]], terms: list[str], column: int
) -> dict[str, list[str]]:
    of_chain = {
        row[0]: row[column].split(",") if len(row) > column and row[column] else [] for row in rows
    }
    unknown = {term for found in of_chain.values() for term in found} - set(terms)
    if unknown:
        raise InputError(f"{path}: terms {sorted(unknown)[:5]} are not in the file's list of terms")
    return of_chain


def _load(
    dataset: Any,
    files: _Files,
    annotations: Annotations,
    test_cutoff: float,
    chains: str | None,
    **options: Any,
) -> None:
    """Load all splits, one behind the other, each in the order of TorchDrug's files."""
    splits = _chains_of_splits(files, test_cutoff, chains)
    found = _sequences(files, splits)
    order = [chain for name in SPLITS for chain in splits[name]]
    missing = [chain for chain in order if chain not in annotations.of_chain]
    if missing:
        raise InputError(f"{files.folder}: no annotation of chains {missing[:5]}")
    dataset.load_sequence([found[chain] for chain in order], {}, **RESIDUES_ONLY | options)
    # As in TorchDrug's classes, whose `tasks` are the keys.
    dataset.targets = {term: i for i, term in enumerate(annotations.terms)}
    dataset.chains, dataset.label_names = order, annotations.names
    dataset.pos_targets = [
        [dataset.targets[term] for term in annotations.of_chain[chain]] for chain in order
    ]
    dataset.num_samples = [len(splits[name]) for name in SPLITS]
    _count_unseen(files.folder, dataset.pos_targets[: dataset.num_samples[0]], annotations.terms)


def _chains_of_splits(
    files: _Files, test_cutoff: float, chains: str | None
) -> dict[str, list[str]]:
    """Chains of each split, in the order of TorchDrug's sorted file names (``1ABC-A_….pdb``)."""
    if test_cutoff not in TEST_CUTOFFS:
        raise InputError(f"test_cutoff: {test_cutoff} given; expected one of {list(TEST_CUTOFFS)}")
    column = TEST_CUTOFFS.index(test_cutoff) + 1
    test = files.get("_test.csv")
    splits = {name: files.get(f"_{name}.txt").read_text().split() for name in ("train", "valid")}
    splits["test"] = [row[0] for row in _rows(test, ",")[1:] if row[column] != "0"]
    if chains is not None:
        kept = set(_listed(Path(chains).expanduser()))
        splits = {name: [c for c in listed if c in kept] for name, listed in splits.items()}
    for name, listed in splits.items():
        if not listed:
            raise InputError(f"{files.folder}: split {name!r} has no chain")
    return {name: sorted(listed, key=lambda c: f"{c}_") for name, listed in splits.items()}


def _listed(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"chains: {path}: no such file; expected one chain per line, as 1ABC-A")
    return path.read_text(encoding="utf-8-sig").split()


def _sequences(files: _Files, splits: dict[str, list[str]]) -> dict[str, str]:
    """Sequence of each chain."""
    path = files.get("_sequences.fasta")
    sequences = read_sequences(path)
    if any(chain not in sequences for chain in splits["test"]):
        sequences |= read_sequences(files.get("_test_sequences.fasta"))
    missing = [c for listed in splits.values() for c in listed if c not in sequences]
    if missing:
        raise InputError(
            f"{path} has no sequence of {len(missing)} chains of the splits, such as "
            f"{missing[:5]}; add them, or give a list of the `chains` to keep"
        )
    return sequences


def _count_unseen(folder: Path, trained: Iterable[list[int]], terms: list[str]) -> None:
    seen = {term for found in trained for term in found}
    if len(seen) < len(terms):
        count = len(terms) - len(seen)
        logger.warning("%s: %d of %d terms have no chain in training", folder, count, len(terms))


def _item(dataset: Any, index: int) -> dict[str, Any]:
    """TorchDrug's item of a data set with labels."""
    graph = dataset.data[index]
    if dataset.lazy:
        graph = data.Protein.from_sequence(dataset.sequences[index], **dataset.kwargs)
    item = {"graph": graph}
    if dataset.transform:
        item = dataset.transform(item)
    targets = torch.zeros(len(dataset.targets))
    targets[dataset.pos_targets[index]] = 1
    return {**item, "targets": targets}
