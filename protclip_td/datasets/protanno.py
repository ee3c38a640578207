"""ProtAnno, the protein-biotext pairs of UniProtKB, as a TorchDrug data set."""

import logging
from collections.abc import Collection
from typing import Any

import numpy as np
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.data.composition import Composition
from protclip_td.data.making import open_or_make
from protclip_td.data.residues import to_protein
from protclip_td.data.store import count_table
from protclip_td.datasets.subset import PropertyDrivenSubset
from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES, PROPERTIES

logger = logging.getLogger(__name__)


@R.register("datasets.ProtAnno")
class ProtAnno(torch_data.Dataset, core.Configurable):
    """Pairs of protein sequences and biotexts made of up to four properties of UniProtKB.

    Statistics (paper):
        - ProtAnno-S: about 0.5 M pairs, ProtAnno-D: 251.5 M pairs before the sampling rule
        - built-in sample: 209 entries of Swiss-Prot and TrEMBL

    An item is a dict for TorchDrug's collate: `graph` (Protein with `residue_letter`), `biotext`
    (str), `property_text` (dict of str by property, "" where absent), `accession` (str) and
    `index` (int, row of the store).

    Parameters:
        path (str): folder where the store is kept, made on first use; or a store
        source (str, optional): data file: a UniProtKB flat file, ProtCLIP's JSON lines, a UniProt
            or ProtST TSV, plain or gzip. "sample" or None for the built-in sample.
        confidences (list of int, optional): levels of sample confidence to keep, 1 to 5
        coverages (list of int, optional): numbers of present properties to keep, 1 to 4
        confidence_exponent (float, optional): a draw's chance grows with C to this power
        coverage_exponent (float, optional): a draw's chance grows with R to this power
        draws_per_epoch (int, optional): training items per epoch; as many as there are training
            rows by default
        valid_fraction (float, optional): share of sequences held out for validation
        test_fraction (float, optional): share of sequences held out for test
        max_residues (int, optional): longer sequences are cut there
        keep_evidence (bool, optional): keep UniProt's evidence tags (`{ECO:...}`) in the texts
        confidence (int, optional): sample confidence of entries in files that do not state it
        seed (int, optional): seed of the draws; the splits depend on the sequences alone
        verbose (int, optional): output verbosity level

    Raises:
        InputError: the source cannot be read, an option is out of range, or no training entry is
            left after the sampling rule

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on ProtAnno.

    Example::

        >>> dataset = ProtAnno("~/protanno")
        >>> train_set, valid_set, test_set = dataset.split()
        >>> train_set[0]["biotext"]
        'PROTEIN NAME: ...'
    """

    def __init__(
        self,
        path: str,
        source: str | None = None,
        confidences: Collection[int] = (1, 2, 3),
        coverages: Collection[int] = (3, 4),
        confidence_exponent: float = -3.0,
        coverage_exponent: float = 0.5,
        draws_per_epoch: int | None = None,
        valid_fraction: float = 0.1,
        test_fraction: float = 0.1,
        max_residues: int = 1022,
        keep_evidence: bool = False,
        confidence: int | None = None,
        seed: int = 0,
        verbose: int = 1,
    ) -> None:
        _check_levels("confidences", confidences, CONFIDENCES)
        _check_levels("coverages", coverages, COVERAGES)
        _check_range("confidence", confidence, 1, 5)
        _check_range("draws_per_epoch", draws_per_epoch, 1)
        _check_range("max_residues", max_residues, 1)
        _check_range("seed", seed, 0)
        _check_fractions(valid_fraction, test_fraction)
        self.max_residues = max_residues
        self.store = open_or_make(path, source, keep_evidence, confidence, verbose)
        self._rows = self._split_rows(confidences, coverages, valid_fraction, test_fraction)
        train = self._rows["train"]
        self._train_set = PropertyDrivenSubset(
            self,
            train,
            self.store.confidence[train],
            self.store.coverage[train],
            draws_per_epoch or len(train),
            (confidence_exponent, coverage_exponent),
            seed,
        )
        self._say_cut()

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Any]:
        entry = self.store[index]
        return {
            "graph": to_protein(entry.sequence[: self.max_residues]),
            "biotext": entry.biotext,
            "property_text": {p.key: text for p, text in zip(PROPERTIES, entry.properties)},
            "accession": entry.accession,
            "index": int(index),
        }

    def split(self) -> list[torch_data.Subset]:
        """The training set, drawn anew each epoch, and the validation and test sets as they are.

        A sequence's hash decides where it goes, so identical sequences are never in two of them.
        """
        held_out = [torch_data.Subset(self, self._rows[name].tolist()) for name in _HELD_OUT]
        return [self._train_set, *held_out]

    def composition(self) -> Composition:
        """Counts per sample confidence and property coverage; prints as a table."""
        splits = {name: self._count(rows) for name, rows in self._rows.items()}
        return Composition(
            before=count_table(self.store.confidence, self.store.coverage),
            after=sum(splits.values(), np.zeros((5, 4), dtype=np.int64)),
            splits=splits,
            drawn=self._train_set.probabilities(),
        )

    @property
    def manifest(self) -> dict[str, Any]:
        """Where the data come from and what is used of them, as plain types."""
        return {
            "store": str(self.store.folder),
            **self.store.manifest,
            "rule": {key: value for key, value in self._config.items() if key in _RULE},
            "composition": self.composition().as_dict(),
        }

    def _split_rows(
        self,
        confidences: Collection[int],
        coverages: Collection[int],
        valid_fraction: float,
        test_fraction: float,
    ) -> dict[str, np.ndarray]:
        """The rows of each split that the rule keeps."""
        kept = np.isin(self.store.confidence, list(confidences))
        kept &= np.isin(self.store.coverage, list(coverages))
        place = self.store.digest / 2.0**64
        held_out = valid_fraction + test_fraction
        masks = {
            "train": place >= held_out,
            "valid": (place >= test_fraction) & (place < held_out),
            "test": place < test_fraction,
        }
        rows = {name: np.flatnonzero(kept & mask) for name, mask in masks.items()}
        if not len(rows["train"]):
            raise InputError(
                f"no training entry left of {len(self)} in {self.store.folder}: confidences "
                f"{list(confidences)} and coverages {list(coverages)} keep {kept.sum()} entries, "
                f"and {held_out:.0%} of the sequences are held out; keep more levels or hold out "
                f"less. {_present(self.store.confidence, self.store.coverage)}"
            )
        return rows

    def _count(self, rows: np.ndarray) -> np.ndarray:
        return count_table(self.store.confidence[rows], self.store.coverage[rows])

    def _say_cut(self) -> None:
        used = np.concatenate(list(self._rows.values()))
        longer = int((self.store.length[used] > self.max_residues).sum())
        if longer:
            logger.warning(
                "%d of %d sequences are longer than %d residues; they are cut there",
                longer,
                len(used),
                self.max_residues,
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"#{name}: {len(rows)}" for name, rows in self._rows.items())
        return f"ProtAnno(\n  #entry: {len(self)}, {sizes}\n  store: {self.store.folder}\n)"


_HELD_OUT = ("valid", "test")
_RULE = (
    "confidences",
    "coverages",
    "confidence_exponent",
    "coverage_exponent",
    "draws_per_epoch",
    "valid_fraction",
    "test_fraction",
    "max_residues",
    "seed",
)


def _check_levels(name: str, given: Collection[int], known: Collection[int]) -> None:
    if not given or not set(given) <= set(known):
        raise InputError(
            f"ProtAnno: {name} is {list(given)}; expected at least one of {list(known)}"
        )


def _check_range(name: str, given: int | None, low: int, high: int | None = None) -> None:
    if given is not None and (given < low or (high is not None and given > high)):
        expected = f"at least {low}" if high is None else f"{low} to {high}"
        raise InputError(f"ProtAnno: {name} is {given}; expected {expected}")


def _check_fractions(valid: float, test: float) -> None:
    if valid < 0 or test < 0 or valid + test >= 1:
        raise InputError(
            f"ProtAnno: valid_fraction is {valid} and test_fraction is {test}; "
            "expected two shares from 0 that leave some sequences to train on"
        )


def _present(confidence: np.ndarray, coverage: np.ndarray) -> str:
    return (
        f"The store has confidences {np.unique(confidence).tolist()} "
        f"and coverages {np.unique(coverage).tolist()}."
    )
