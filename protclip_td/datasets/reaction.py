"""Reaction: the reaction that an enzyme catalyses, one of 384."""

from pathlib import Path
from typing import Any

from torch.utils import data as torch_data
from torchdrug import data, utils
from torchdrug.core import Registry as R

from protclip_td.compat.targets import check_values
from protclip_td.data.outside.archive import unpack
from protclip_td.data.outside.remote import DataFile, PublishedFile, fetch_all
from protclip_td.data.proteins import RESIDUES_ONLY
from protclip_td.data.reading.table import read_table
from protclip_td.data.split_names import SPLITS
from protclip_td.datasets.splits import consecutive_splits
from protclip_td.errors import InputError


@R.register("datasets.Reaction")
@utils.copy_args(data.ProteinDataset.load_lmdbs, ignore=("sequence_field", "target_fields"))
class Reaction(data.ProteinDataset):
    """
    Enzymes with the reaction they catalyse, numbered; 384 reactions from EC numbers.

    Source: ProtST (Xu et al., ICML 2023), from Hermosilla et al. (ICLR 2021). No licence is stated
    with the files; the chains and their EC numbers are from the PDB (CC0) and SIFTS.

    Statistics:
        - #Train: 29,215
        - #Valid: 2,562
        - #Test: 5,651

    Proteins have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    url = "https://miladeepgraphlearningproteindata.s3.us-east-2.amazonaws.com/data/Reaction.zip"
    md5 = "d1c20341616ad3890349247017a34d68"
    label_url = (
        "https://raw.githubusercontent.com/DeepGraphLearning/ProtST/"
        "e80ab338cc9b7ad81428bea94e42e0a4d07dd7b6/data/zero_shot_classification/reaction_name.tsv"
    )
    #: Bytes of the names; no checksum of them is published.
    label_size: int | None = 48_844
    target_fields = ("label",)

    def __init__(self, path: str, lazy: bool = True, verbose: int = 1, **kwargs: Any) -> None:
        self.path = Path(path).expanduser()
        archive = DataFile(self.path / "Reaction.zip", self.url, PublishedFile(md5=self.md5))
        names = self.path / "Reaction" / "reaction_name.tsv"
        self._names = DataFile(names, self.label_url, PublishedFile(size=self.label_size))
        # Who has the archive may want no names; who has nothing is told of both at once.
        fetch_all([archive] if archive.path.is_file() else [archive, self._names])
        unpack(archive.path)
        files = [str(self.path / "Reaction" / f"Reaction_{split}.lmdb") for split in SPLITS]
        options = {**RESIDUES_ONLY, "lazy": lazy, "verbose": verbose, **kwargs}
        self.load_lmdbs(files, target_fields=self.target_fields, **options)
        for split in self.split():  # the names are counted by them
            check_values(split, "label", are_classes=True)

    @property
    def label_names(self) -> list[str]:
        """What each reaction is called, synonyms included, for zero-shot classification.

        Raises:
            InputError: the file of names is missing, another one, or not numbered from 0 on
        """
        (path,) = fetch_all([self._names])
        table = read_table(path)
        names = table.column("name")
        row_of = {number: row for row, number in enumerate(table.column("id"))}
        # A file that was cut between two lines looks whole.
        num_reaction = max(len(table), max(self.targets["label"]) + 1)
        wanted = [str(i) for i in range(num_reaction)]
        absent = [number for number in wanted if number not in row_of]
        if absent:
            raise InputError(
                f"{table.path}: no reaction {absent[0]} in column 'id'; expected the numbers 0 to "
                f"{num_reaction - 1}, each once. Remove the file to have it fetched, or replace it."
            )
        return [names[row_of[number]] for number in wanted]

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)
