"""Enzyme Commission and Gene Ontology from sequences alone, as TorchDrug splits and labels them.

TorchDrug's `EnzymeCommission` and `GeneOntology` read PDB archives of many gigabytes, of which a
sequence model keeps the sequence. DeepFRI publishes the sequences of the same chains with the same
lists and annotations in a few megabytes. Labels, their order, the splits and the order of the
chains are TorchDrug's. Two things differ:

- The sequence is the chain's whole sequence (SEQRES); TorchDrug's has the resolved residues only.
- TorchDrug leaves out chains whose structure it cannot read: of EC it has 15,011, 1,664 and 1,840
  for training, validation and test, where DeepFRI's lists are said to have 15,551, 1,729 and 1,919
  (4 % more each); of GO 27,496, 3,053 and 2,991, where they are said to have 29,902, 3,323 and
  3,416 (9 %, 9 % and 14 % more). The 3,416 were counted in the list, the others are quoted from
  papers, 29,902 also from issue 53 of DeepFRI's repository. Published results that come through
  TorchDrug are on its chains. To repeat these, or to compare row by row, give a list of the chains
  to keep as `chains`; from TorchDrug's data set it is
  ``[Path(file).name.split("_")[0] for file in dataset.pdb_files]``, one per line.
"""

from pathlib import Path
from typing import Any

import torch
from torch.utils import data as torch_data
from torchdrug import data
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice
from protclip_td.data.proteins import RESIDUES_ONLY
from protclip_td.data.split_names import SPLITS
from protclip_td.datasets.deepfri_files import ChainFiles
from protclip_td.datasets.deepfri_splits import chains_of_splits, sequences_of_chains
from protclip_td.datasets.deepfri_terms import BRANCHES, ChainTerms, read_ec, read_go
from protclip_td.datasets.labels import check_labels
from protclip_td.datasets.loading_options import loading_options
from protclip_td.datasets.splits import consecutive_splits
from protclip_td.errors import InputError
from protclip_td.wording import first_few

#: Share of identical residues between test and training that published results allow.
PUBLISHED_CUTOFF = 0.95


class _ChainSequences(data.ProteinDataset):
    """Chains of three splits with any number of labels each, as TorchDrug keeps them."""

    def _load(
        self,
        files: ChainFiles,
        annotated: ChainTerms,
        test_cutoff: float,
        chains: str | None,
        **options: Any,
    ) -> None:
        """Load all splits, one behind the other, each in the order of TorchDrug's files."""
        splits = chains_of_splits(files, annotated.of_chain, test_cutoff, chains)
        sequence_of = sequences_of_chains(files, splits)
        order = [chain for name in SPLITS for chain in splits[name]]
        missing = [chain for chain in order if chain not in annotated.of_chain]
        if missing:
            raise InputError(f"{files.folder}: no annotation of chains {first_few(missing)}")
        self.load_sequence([sequence_of[chain] for chain in order], {}, **RESIDUES_ONLY | options)
        # As in TorchDrug's classes, whose `tasks` are the keys.
        self.targets = {term: i for i, term in enumerate(annotated.terms)}
        self.chains, self.label_names = order, annotated.names
        #: MD5 of each file that was used.
        self.used = files.used
        self.test_cutoff, self.are_chosen = test_cutoff, chains is not None
        self.pos_targets = [
            [self.targets[term] for term in annotated.of_chain[chain]] for chain in order
        ]
        self.num_samples = [len(splits[name]) for name in SPLITS]
        torchdrugs = files.least.get(files.prefix, {})
        self.are_torchdrugs = self.num_samples == [torchdrugs.get(name) for name in SPLITS]
        found = {
            name: {label for row in split.indices for label in self.pos_targets[row]}
            for name, split in zip(SPLITS, self.split())
        }
        check_labels(str(files.folder), annotated.terms, found)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the data are, for the folder of a run, which adds the chains of each split."""
        return {
            "files": self.used,
            "protocol": self._protocol(),
            "test_cutoff": self.test_cutoff,
        }

    def _protocol(self) -> str | None:
        """What differs from published results, which are on the chains that TorchDrug has."""
        words = []
        if self.test_cutoff != PUBLISHED_CUTOFF:
            words.append(f"identity up to {self.test_cutoff:g}")
        if not self.are_torchdrugs:
            words.append("chosen chains" if self.are_chosen else "all chains of DeepFRI's lists")
        return ", ".join(words) or None

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test set."""
        return consecutive_splits(self, self.num_samples)

    def get_item(self, index: int) -> dict[str, Any]:
        """A chain, and its labels as zeros and ones."""
        graph = self.data[index]
        if self.lazy:
            graph = data.Protein.from_sequence(self.sequences[index], **self.kwargs)
        item = {"graph": graph}
        if self.transform:
            item = self.transform(item)
        targets = torch.zeros(len(self.targets))
        targets[self.pos_targets[index]] = 1
        return {**item, "targets": targets}


@R.register("datasets.ECSequences")
@loading_options
class ECSequences(_ChainSequences):
    """
    Protein chains with the Enzyme Commission numbers of the reactions they catalyse.

    Source: DeepFRI (Gligorijević et al., Nature Communications 2021), BSD 3-Clause; sequences from
    the PDB (CC0), annotations from SIFTS.

    Statistics (test_cutoff=0.95):
        - #Train, #Valid, #Test of TorchDrug: 15,011, 1,664, 1,840; here 4 % more of each, by the
          numbers that papers give
        - #Term: 538

    Chains have residues only, unless `atom_feature` and `bond_feature` are given.

    Parameters:
        path (str): the folder of all data sets; the files lie in its subfolder `EnzymeCommission`
        test_cutoff (float, optional): a test chain is at most this identical to a training chain
        chains (str, optional): file with the chains to keep, one per line
        branch (None, optional): in ProtST's configurations, of which one serves GO as well
        lazy (bool, optional): make the proteins when they are asked for, which saves memory
        verbose (int, optional): output verbose level
        **kwargs
    """

    def __init__(
        self,
        path: str,
        test_cutoff: float = PUBLISHED_CUTOFF,
        chains: str | None = None,
        branch: None = None,
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        if branch is not None:
            raise InputError(f"branch: {branch!r} given; EC numbers have none, GOSequences do")
        files = ChainFiles(Path(path).expanduser() / "EnzymeCommission", "nrPDB-EC", "_2020.04")
        files.fetch()
        annotated = read_ec(files.get("_annot.tsv"))
        self._load(files, annotated, test_cutoff, chains, lazy=lazy, verbose=verbose, **kwargs)


@R.register("datasets.GOSequences")
@loading_options
class GOSequences(_ChainSequences):
    """
    Protein chains with their terms of one branch of the Gene Ontology.

    Source: DeepFRI (Gligorijević et al., Nature Communications 2021), BSD 3-Clause; sequences from
    the PDB (CC0), annotations from SIFTS, terms from the Gene Ontology (CC BY 4.0).

    Statistics (test_cutoff=0.95):
        - #Train, #Valid, #Test of TorchDrug: 27,496, 3,053, 2,991; here 9 %, 9 % and 14 % more, by
          the numbers that papers give
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
        test_cutoff: float = PUBLISHED_CUTOFF,
        chains: str | None = None,
        lazy: bool = True,
        verbose: int = 1,
        **kwargs: Any,
    ) -> None:
        check_choice("branch", branch, BRANCHES)
        files = ChainFiles(Path(path).expanduser() / "GeneOntology", "nrPDB-GO", "_2019.06.18")
        files.fetch()
        annotated = read_go(files.get("_annot.tsv"), BRANCHES.index(branch))
        self._load(files, annotated, test_cutoff, chains, lazy=lazy, verbose=verbose, **kwargs)
