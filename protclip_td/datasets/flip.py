"""AAV and Thermostability, two benchmarks of FLIP, from the CSV files in its archives."""

import logging
import re
from pathlib import Path
from typing import Any

from torch.utils import data as torch_data
from torchdrug import data
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice
from protclip_td.data.outside.archive import unpack
from protclip_td.data.outside.remote import fetch
from protclip_td.data.proteins import RESIDUES_ONLY
from protclip_td.data.reading.table import Table, read_table
from protclip_td.data.residues import check_sequence
from protclip_td.data.split_names import SPLITS
from protclip_td.datasets import columns
from protclip_td.datasets.loading_options import loading_options
from protclip_td.datasets.splits import consecutive_splits
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

# What may stand in `validation`: FLIP writes True or nothing; others, what their programs write.
_IS_VALID = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
    **dict.fromkeys(map(str.lower, columns.MISSING), False),
}
_REPOSITORY = "https://github.com/J-SNACKKB/FLIP/raw/d5c35cc716ca93c3c74a0b43eef5b60cbf88521f/"


@R.register("datasets.AAV")
@loading_options
class AAV(data.ProteinDataset):
    """
    Fitness of variants of the capsid protein of the adeno-associated virus AAV-2.

    Source: FLIP (Dallago et al., NeurIPS 2021 Datasets and Benchmarks), from Bryant et al. (2021).
    Licence of the files: Academic Free License 3.0, as FLIP.

    Statistics:
        - #Train, #Valid, #Test: from the columns `set` and `validation` of the split's file
        - #Residue: 735 and a few more or less by insertions and deletions; 200 are kept

    Proteins have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets; the archive lies in its subfolder `aav`
        split (str, optional): one of FLIP's splits
        keep_mutation_region (bool, optional): keep residues 475 to 674 only, around the mutations
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    url = _REPOSITORY + "splits/aav/splits.zip"
    md5 = "cabdd41f3386f4949b32ca220db55c58"
    region = slice(474, 674)
    choices = ("des_mut", "low_vs_high", "mut_des", "one_vs_many", "sampled", "seven_vs_many",
               "two_vs_many")  # fmt: skip

    def __init__(
        self,
        path: str,
        split: str = "two_vs_many",
        keep_mutation_region: bool = True,
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        self.path = Path(path).expanduser() / "aav"
        region = self.region if keep_mutation_region else slice(None)
        table = _read(self.path, self.url, self.md5, split, self.choices)
        self.num_samples = _load(self, table, region, lazy=lazy, verbose=verbose, **kwargs)

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)


@R.register("datasets.Thermostability")
@loading_options
class Thermostability(data.ProteinDataset):
    """
    Melting temperature of proteins in °C, from the Meltome atlas.

    Source: FLIP (Dallago et al., NeurIPS 2021 Datasets and Benchmarks), from Jarzab et al. (2020).
    Licence of the files: Academic Free License 3.0, as FLIP.

    Statistics:
        - #Protein in split `human_cell`: 7,158
        - #Train, #Valid, #Test: from the columns `set` and `validation` of the split's file

    Proteins have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets; the archive lies in its subfolder
            `thermostability`
        split (str, optional): one of FLIP's splits
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    url = _REPOSITORY + "splits/meltome/splits.zip"
    md5 = "0f8b1e848568f7566713d53594c0ca90"
    choices = ("human", "human_cell", "mixed_split")

    def __init__(
        self,
        path: str,
        split: str = "human_cell",
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        self.path = Path(path).expanduser() / "thermostability"
        table = _read(self.path, self.url, self.md5, split, self.choices)
        self.num_samples = _load(self, table, slice(None), lazy=lazy, verbose=verbose, **kwargs)

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)


def _read(folder: Path, url: str, md5: str, split: str, choices: tuple[str, ...]) -> Table:
    """Table of one of FLIP's splits."""
    check_choice("split", split, choices)
    return read_table(unpack(fetch(url, folder, md5=md5), f"splits/{split}.csv"))


def _load(dataset: Any, table: Table, region: slice, **options: Any) -> list[int]:
    """Load the rows of a table, split by split, and return the sizes of the splits."""
    rows = _rows_of_splits(table)
    order = [row for name in SPLITS for row in rows[name]]
    sequences = _sequences(table, order, region)
    targets = columns.numbers(table, "target")
    dataset.load_sequence(
        sequences, {"target": [targets[row] for row in order]}, **RESIDUES_ONLY | options
    )
    return [len(rows[name]) for name in SPLITS]


def _sequences(table: Table, rows: list[int], region: slice) -> list[str]:
    """The residues of rows, without the marks between them.

    FLIP's files have marks, such as `*` for a deletion, and FLIP's own loader drops all that is no
    letter. The region is cut out first: with the marks, it is the same positions in every variant.
    """
    column, sequences, marked = table.column("sequence"), [], 0
    for row in rows:
        variant = column[row].upper()[region]
        sequence = re.sub("[^A-Z]", "", variant)
        check_sequence(sequence, f"{table.where(row)}: 'sequence'")
        marked += sequence != variant
        sequences.append(sequence)
    if marked:
        what = "%s: left out of %d sequences what is no letter, as FLIP does"
        logger.warning(what, table.path, marked)
    return sequences


def _rows_of_splits(table: Table) -> dict[str, list[int]]:
    """Rows by split; rows that belong to no set are left out, as FLIP means it.

    `validation` marks those rows of the training set that select a model, by FLIP's description;
    a test row that has the mark stays one, so that it is tested on in any case and selects nothing.
    """
    rows: dict[str, list[int]] = {name: [] for name in SPLITS}
    for row, (name, valid) in enumerate(zip(table.column("set"), table.column("validation"))):
        if name not in ("train", "test", ""):
            raise InputError(f"{table.where(row)}: 'set' is {name!r}; expected train or test")
        if valid.lower() not in _IS_VALID:
            raise InputError(
                f"{table.where(row)}: 'validation' is {valid!r}; expected True, False or nothing"
            )
        if name:
            is_valid = name == "train" and _IS_VALID[valid.lower()]
            rows["valid" if is_valid else name].append(row)
    for name, found in rows.items():
        if not found:
            sizes = {key: len(value) for key, value in rows.items()}
            raise InputError(f"{table.path}: split {name!r} has no row; found {sizes}")
    return rows
