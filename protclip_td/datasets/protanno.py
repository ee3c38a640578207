"""ProtAnno, the protein-biotext pairs of UniProtKB, as a TorchDrug data set."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from torch.utils import data as torch_data
from torchdrug import core, data
from torchdrug.core import Registry as R

from protclip_td.checks import check_count
from protclip_td.data.entry import Entry
from protclip_td.data.proteins import to_pack, to_protein
from protclip_td.data.sampling.held_out import num_rows, split_rows
from protclip_td.data.sampling.rows import all_once
from protclip_td.data.sampling.rule import rule_for
from protclip_td.data.split_names import SPLITS
from protclip_td.data.store.composition import Composition, count_groups
from protclip_td.datasets.indexing import takes_slices
from protclip_td.datasets.subset import PropertyDrivenSubset
from protclip_td.properties import GROUPS_SHAPE, PROPERTIES
from protclip_td.protanno.opening import open_or_make

logger = logging.getLogger(__name__)


# What a store's manifest says of its own files, which may be made anew with the same content.
_OF_ITS_FILES = {"files", "format", "groups", "inputs", "options", "pairs", "sha256"}


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
        source (str, optional): data file: a UniProtKB flat file or XML, a UniProt or ProtST TSV,
            FASTA with UniProt headers or ProtCLIP's JSON lines, plain or gzip. "sample" or None
            for the built-in sample.
        confidences (list of int, optional): levels of sample confidence to keep, 1 to 5;
            1, 2 and 3 by default (paper). This and the other parts of the rule are by default
            those that the store was built with, if `protclip-td protanno build` made it.
        coverages (list of int, optional): numbers of present properties to keep, 1 to 4;
            3 and 4 by default (paper)
        confidence_exponent (float, optional): a draw's chance grows with C to this power;
            −3 by default (paper), 0 where the store is thinned already
        coverage_exponent (float, optional): a draw's chance grows with R to this power;
            ½ by default (paper), 0 where the store is thinned already
        draws_per_epoch (int, optional): training items per epoch; as many as there are training
            rows by default
        valid_fraction (float, optional): share of sequences held out for validation; 0.1 by default
        test_fraction (float, optional): share of sequences held out for test; 0.1 by default
        max_residues (int, optional): longer sequences are cut there
        keep_evidence (bool, optional): keep UniProt's evidence tags (`{ECO:...}`) in the texts
        confidence (int, optional): sample confidence of entries in files that do not state it
        seed (int, optional): seed of the draws; the splits depend on the sequences alone
        verbose (int, optional): output verbosity level

    Raises:
        InputError: the source cannot be read, an option is out of range, the store at `path` was
            made from another source or with other `keep_evidence` or `confidence`, or no training
            entry is left after the sampling rule

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
        confidences: Collection[int] | None = None,
        coverages: Collection[int] | None = None,
        confidence_exponent: float | None = None,
        coverage_exponent: float | None = None,
        draws_per_epoch: int | None = None,
        valid_fraction: float | None = None,
        test_fraction: float | None = None,
        max_residues: int = 1022,
        keep_evidence: bool = False,
        confidence: int | None = None,
        seed: int | None = None,
        verbose: int = 1,
    ) -> None:
        check_count("draws_per_epoch", draws_per_epoch)
        check_count("max_residues", max_residues)
        given = {
            "confidences": confidences,
            "coverages": coverages,
            "confidence_exponent": confidence_exponent,
            "coverage_exponent": coverage_exponent,
            "valid_fraction": valid_fraction,
            "test_fraction": test_fraction,
            "seed": seed,
        }
        rule_for({}, **given)  # mistakes are said before a store is made
        self.max_residues = max_residues
        self.store = open_or_make(path, source, keep_evidence, confidence, verbose)
        self.rule = rule_for(self.store.manifest["options"], **given)
        self._splits = split_rows(self.store, self.rule)
        num_train = num_rows(self._splits["train"])
        self._train_set = PropertyDrivenSubset(
            self,
            self._splits["train"],
            draws_per_epoch or num_train,
            self.rule.exponents,
            self.rule.seed,
        )
        self._say_cut()

    def __len__(self) -> int:
        return len(self.store)

    @takes_slices
    def __getitem__(self, index: int) -> dict[str, Any]:
        entry = self.store[index]
        return {"graph": to_protein(self._cut(entry)), **self._texts(index, entry)}

    def get_batch(self, indices: Sequence[int]) -> dict[str, Any]:
        """Items as a batch, whose proteins become a pack in one go."""
        entries = [self.store[index] for index in indices]
        texts = [self._texts(index, entry) for index, entry in zip(indices, entries)]
        return {"graph": to_pack(map(self._cut, entries)), **data.graph_collate(texts)}

    def _cut(self, entry: Entry) -> str:
        return entry.sequence[: self.max_residues]

    def _texts(self, index: int, entry: Entry) -> dict[str, Any]:
        """An item without its protein."""
        return {
            "biotext": self.store.biotext(entry),
            "property_text": {p.key: text for p, text in zip(PROPERTIES, entry.properties)},
            "accession": entry.accession,
            "index": int(index),
        }

    def split(self) -> list[torch_data.Subset]:
        """The training set, drawn anew each epoch, and the validation and test sets as they are.

        A sequence's hash decides where it goes, so identical sequences are never in two of them.
        """
        held_out = [torch_data.Subset(self, all_once(self._splits[name])) for name in SPLITS[1:]]
        return [self._train_set, *held_out]

    def composition(self) -> Composition:
        """Counts per sample confidence and property coverage; prints as a table."""
        splits = {name: count_groups(groups) for name, groups in self._splits.items()}
        return Composition(
            before=count_groups(self.store.groups),
            after=sum(splits.values(), np.zeros(GROUPS_SHAPE, dtype=np.int64)),
            splits=splits,
            drawn=self._train_set.probabilities(),
        )

    @property
    def manifest(self) -> dict[str, Any]:
        """Where the data come from and what is used of them, as plain types."""
        store = self.store.manifest
        options = dict(store["options"])
        return {
            "store": str(self.store.folder),
            "release": options.pop("release"),
            "files": {source["name"]: source["sha256"] for source in store["inputs"]},
            "options": options,
            **{key: value for key, value in store.items() if key not in _OF_ITS_FILES},
            "rule": {
                **self.rule.as_dict(),
                "draws_per_epoch": self._train_set.draw.num_draws,
                "max_residues": self.max_residues,
            },
            "composition": self.composition().as_dict(),
        }

    def _say_cut(self) -> None:
        longer, is_all = _count_longer(self.store.manifest, self.max_residues)
        if longer:
            logger.warning(
                "%s%d of the store's %d sequences are longer than %d residues; they are cut there",
                "" if is_all else "at least ",
                longer,
                len(self),
                self.max_residues,
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"#{name}: {num_rows(s)}" for name, s in self._splits.items())
        return f"ProtAnno(\n  #entry: {len(self)}, {sizes}\n  store: {self.store.folder}\n)"


def _count_longer(manifest: dict[str, Any], max_residues: int) -> tuple[int, bool]:
    """How many sequences of a store are longer, as far as its bins tell, and whether they do."""
    histogram = manifest["statistics"]["residues"]
    bins = zip(histogram["edges"], histogram["counts"])
    longer = sum(count for edge, count in bins if edge > max_residues)
    return longer, max_residues + 1 in histogram["edges"]
