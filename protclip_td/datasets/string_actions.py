"""Networks of protein actions from STRING, as items for predictions on a graph."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.checks import check_choice, check_fraction
from protclip_td.data.digests import md5_by_name
from protclip_td.data.outside.remote import DataFile, PublishedFile, fetch_all
from protclip_td.datasets.indexing import only_item, takes_slices
from protclip_td.datasets.splits import PROTOCOLS
from protclip_td.datasets.string_actions_reader import (
    ACTIONS,
    Network,
    largest_component,
    read_network,
    sequences_of,
)
from protclip_td.datasets.string_actions_split import (
    WAYS,
    Draw,
    Split,
    draw_split,
    pairs_digest,
    read_split,
    split_digest,
    write_split,
)
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

_GNN_PPI = (
    "https://raw.githubusercontent.com/lvguofeng/GNN_PPI/"
    "cd1843ebec574577aacdd65b38e3a49c545f3541/data/"
)
_STRING = "https://stringdb-static.org/download/"
_ZENODO = "https://zenodo.org/records/7213401/files/"


class Size(NamedTuple):
    """Proteins and pairs of a network; no number of proteins where public texts disagree."""

    proteins: int | None
    pairs: int


@R.register("datasets.STRINGActions")
class STRINGActions(torch_data.Dataset, core.Configurable):
    """Pairs of human proteins with the types of action between them, any number of seven.

    Statistics:
        - SHS27k: 1,690 proteins, 7,624 pairs
        - SHS148k: 5,189 proteins, 44,488 pairs
        - STRING: 15,335 proteins (15,355 in other texts), 593,397 pairs

    Source: SHS27k and SHS148k (Chen et al., ISMB 2019) as GNN-PPI (Lv et al., IJCAI 2021) gives
    them out, and the human part of STRING v11 (largest connected part, ours). STRING's data are
    licensed CC BY 4.0.

    The files lie in the folder ``string_actions`` under `path` and are fetched where they are
    missing. An item is a dict with the proteins' numbers `node1` and `node2`, and `targets`, seven
    zeros and ones.

    In the protocol ``clean`` messages run over training pairs only and validation pairs select
    the model. In ``published``, as in GNN-PPI's released code, messages run over all pairs and
    the test pairs themselves are the validation set, so its numbers are flattering.

    Parameters:
        path (str): folder for data sets
        name (str, optional): ``SHS27k``, ``SHS148k`` or ``STRING``
        split (str, optional): how test pairs are drawn: ``random``, or around one protein by
            ``bfs`` or ``dfs``
        protocol (str, optional): ``clean`` or ``published``
        test_fraction (float, optional): share of all pairs
        valid_fraction (float, optional): share of the remaining pairs; in ``published`` these
            train as well
        seed (int, optional): seed of the split
        split_file (str, optional): JSON file of the split, read if it is there and written
            otherwise; GNN-PPI's files are understood. By default one beside the data, named by
            network, split, shares and seed.

    Raises:
        InputError: a file is missing, wrong or not whole, a protein has no sequence, the split
            file holds another split, or an unknown option

    Example::

        >>> dataset = STRINGActions("~/protein-datasets", "SHS27k", split="bfs")
        >>> train, valid, test = dataset.split()
    """

    #: Actions, then sequences, of each network: file and address.
    files = {  # noqa: RUF012 (read only)
        "SHS27k": (
            ("protein.actions.SHS27k.STRING.txt", _GNN_PPI),
            ("protein.SHS27k.sequences.dictionary.tsv", _GNN_PPI),
        ),
        "SHS148k": (
            ("protein.actions.SHS148k.STRING.txt", _ZENODO),
            ("protein.SHS148k.sequences.dictionary.tsv", _GNN_PPI),
        ),
        "STRING": (
            ("9606.protein.actions.v11.0.txt.gz", _STRING + "protein.actions.v11.0/"),
            ("9606.protein.sequences.v11.0.fa.gz", _STRING + "protein.sequences.v11.0/"),
        ),
    }

    #: Where else a file is, for people: not the file itself.
    elsewhere = {  # noqa: RUF012 (read only)
        "protein.actions.SHS148k.STRING.txt": (
            "http://yellowstone.cs.ucla.edu/~muhao/pipr/SHS_ppi_beta.zip, named in "
            "https://github.com/lvguofeng/GNN_PPI#dataset-download"
        ),
    }

    #: What is known of the files that lie in GNN-PPI's repository. It has no checksums; these are
    #: from https://github.com/Lemonenn/BAE-PPI, which keeps the two files of SHS27k in Git LFS.
    known = {  # noqa: RUF012 (read only)
        "protein.actions.SHS27k.STRING.txt": PublishedFile(
            3_958_672, sha256="6c79932d6489bed3c794fcde68a42ce603bc14e22c3cf549115685cd4fd6076a"
        ),
        "protein.SHS27k.sequences.dictionary.tsv": PublishedFile(
            1_002_278, sha256="2fe6201a91c8f64f872ae954f497232ec500bd3209a1647a2f0b471bc19a530d"
        ),
        "protein.SHS148k.sequences.dictionary.tsv": PublishedFile(3_209_563),
    }

    #: GNN-PPI's own cut of STRING, used where both files are there.
    gnn_ppi_string = (
        "9606.protein.actions.all_connected.txt",
        "protein.STRING_all_connected.sequences.dictionary.tsv",
    )

    #: Proteins and pairs that are published, by the file of actions; no checksum is. For GNN-PPI's
    #: cut of STRING some texts say 15,335 proteins and some 15,355, all 593,397 pairs: these alone
    #: tell a cut file, and a typo in a text refuses no whole one.
    published = {  # noqa: RUF012 (read only)
        "protein.actions.SHS27k.STRING.txt": Size(1_690, 7_624),
        "protein.actions.SHS148k.STRING.txt": Size(5_189, 44_488),
        "9606.protein.actions.all_connected.txt": Size(None, 593_397),
    }

    def __init__(
        self,
        path: str,
        name: Literal["SHS27k", "SHS148k", "STRING"] = "SHS27k",
        split: Literal["random", "bfs", "dfs"] = "random",
        protocol: Literal["clean", "published"] = "clean",
        test_fraction: float = 0.2,
        valid_fraction: float = 0.1,
        seed: int = 0,
        split_file: str | None = None,
    ) -> None:
        check_choice("name", name, list(self.files))
        check_choice("split", split, WAYS)
        check_choice("protocol", protocol, PROTOCOLS)
        check_fraction("test_fraction", test_fraction)
        check_fraction("valid_fraction", valid_fraction)
        self.folder = Path(path).expanduser() / "string_actions"
        self.name, self.protocol = name, protocol
        actions, sequences = self._find_files(name)
        #: MD5 of each file that was used.
        self.used = md5_by_name((actions, sequences))
        network = read_network(actions)
        self._check_size(actions, network)
        self.network = largest_component(network) if name == "STRING" else network
        self.sequences = sequences_of(sequences, self.network.proteins)
        self._targets = torch.from_numpy(self.network.labels).float()
        self._draw = Draw(split, test_fraction, valid_fraction, seed)
        default = f"{name}.{split}-{test_fraction:g}-{valid_fraction:g}-{seed}.split.json"
        self.split_file = Path(split_file).expanduser() if split_file else self.folder / default
        self._split = self._make_split()
        self._warn_of_unseen_actions()

    def _find_files(self, name: str) -> list[Path]:
        cut = [self.folder / file for file in self.gnn_ppi_string]
        if name == "STRING" and all(file.is_file() for file in cut):
            return cut
        try:
            return fetch_all([self._file(*file) for file in self.files[name]])
        except InputError as error:
            raise InputError(f"{error}{self._also(name)}") from error

    def _file(self, name: str, address: str) -> DataFile:
        known = self.known.get(name, PublishedFile())
        return DataFile(self.folder / name, address + name, known)

    def _also(self, name: str) -> str:
        """Where else the files of a network are."""
        also = [(file, self.elsewhere.get(file)) for file, _ in self.files[name]]
        return "".join(f"\n{file} is also in {place}" for file, place in also if place)

    def _check_size(self, actions: Path, network: Network) -> None:
        """A file that was cut between two lines looks whole."""
        proteins, pairs = len(network.proteins), len(network.pairs)
        expected = self.published.get(actions.name, Size(proteins, pairs))
        if pairs != expected.pairs or expected.proteins not in (None, proteins):
            wanted = f"{expected.proteins:,} in " if expected.proteins else ""
            raise InputError(
                f"{actions} is not whole or another file: it has {proteins:,} proteins in "
                f"{pairs:,} pairs; expected {wanted}{expected.pairs:,} pairs. Remove it to have "
                "it fetched where it can be, or replace it. If it is whole nevertheless, call "
                f"STRINGActions.published.pop({actions.name!r}) in Python first; published numbers "
                "are then from another network."
            )

    def _make_split(self) -> Split:
        """The split of the file, or a new one, which is then kept there."""
        pairs = self.network.pairs
        if self.split_file.exists():
            return read_split(self.split_file, pairs, self._draw)
        split = draw_split(pairs, *self._draw)
        if not all(split):
            sizes = {name: len(rows) for name, rows in split._asdict().items()}
            raise InputError(
                f"of {len(self)} pairs nothing is left for one of {sizes}; give "
                "larger test_fraction or valid_fraction, or a larger network"
            )
        origin = {"network": self.name, **self._draw._asdict()}
        try:
            write_split(self.split_file, split, pairs, origin)
        except OSError as error:
            logger.warning("the split could not be kept in %s (%s)", self.split_file, error)
        return split

    def _warn_of_unseen_actions(self) -> None:
        train, _, test = (rows.indices for rows in self.split())
        unseen = (self._targets[test].any(0) & ~self._targets[train].any(0)).tolist()
        if any(unseen):
            names = [name for name, is_unseen in zip(ACTIONS, unseen) if is_unseen]
            logger.warning("actions %s occur in test only, so nothing can learn them", names)

    @property
    def tasks(self) -> list[str]:
        """Types of action, in the order of `targets`."""
        return list(ACTIONS)

    def message_pairs(self) -> np.ndarray:
        """Pairs over which a graph network may pass messages, shape :math:`(k, 2)`."""
        if self.protocol == "published":
            return self.network.pairs
        return self.network.pairs[self._split.train]

    def split(self) -> list[torch_data.Subset]:
        """Training, validation and test pairs by the protocol."""
        train, valid, test = self._split
        if self.protocol == "published":
            train, valid = sorted(train + valid), test
        return [torch_data.Subset(self, rows) for rows in (train, valid, test)]

    @property
    def manifest(self) -> dict[str, Any]:
        """What the data are, for the folder of a run."""
        is_clean = self.protocol == "clean"
        return {
            "network": self.name,
            "files": self.used,
            "proteins": len(self.sequences),
            "pairs": len(self),
            "pairs_sha256": pairs_digest(self.network.pairs),
            "split_sha256": split_digest(self._split),
            "protocol": self.protocol,
            "messages_over": "training pairs" if is_clean else "all pairs",
            "selected_on": "valid" if is_clean else "test",
            "split": self._draw.split,
            "seed": self._draw.seed,
            "split_file": str(self.split_file.absolute()),
        }

    def __len__(self) -> int:
        return len(self.network.pairs)

    @takes_slices
    def __getitem__(self, index: int) -> dict[str, Any]:
        return only_item(self.get_batch([index]))

    def get_batch(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """Pairs as a batch; single ones take far longer to make."""
        rows = np.asarray(indices)
        first, second = torch.from_numpy(self.network.pairs[rows]).T
        return {"node1": first, "node2": second, "targets": self._targets[rows]}
