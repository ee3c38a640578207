"""Lets TorchDrug's own data sets read their files as ours do.

Files are fetched and unpacked safely, pickles run no code, records are checked, and a data set
that asked for lazy proteins gets them.
"""

import io
import pickle
from collections.abc import Sequence
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import torch
from torchdrug import data, utils
from torchdrug.data import dataset as torchdrug_dataset

from protclip_td.data.outside import lmdb_records, remote, safe_pickle
from protclip_td.data.outside.archive import unpack


def download(url: str, path: str, save_file: str | None = None, md5: str | None = None) -> str:
    """TorchDrug's `utils.download`, by `remote.fetch`."""
    return str(remote.fetch(url, path, save_file, md5))


def extract(zip_file: str, member: str | None = None) -> str:
    """TorchDrug's `utils.extract`, by `archive.unpack`."""
    return str(unpack(zip_file, member))


def load_lmdbs(
    self: Any,
    lmdb_files: Sequence[str],
    sequence_field: str | Sequence[str] = "primary",
    target_fields: Sequence[str] | None = None,
    number_field: str = "num_examples",
    transform: Any = None,
    lazy: bool = False,
    verbose: int = 0,
    **kwargs: Any,
) -> None:
    """TorchDrug's `load_lmdbs` for proteins and pairs, by `lmdb_records.read_records`."""
    names = [sequence_field] if isinstance(sequence_field, str) else list(sequence_field)
    is_single = names == [sequence_field]
    sequences: list[Any] = []
    targets: dict[str, list] = {name: [] for name in target_fields or ()}
    self.num_samples = []
    for path in lmdb_files:
        start = len(sequences)
        for i, record in enumerate(lmdb_records.read_records(path, number_field)):
            where = f"{path}, record {i}"
            proteins = [lmdb_records.sequence_of(record, name, where) for name in names]
            sequences.append(proteins[0] if is_single else proteins)
            for name, values in targets.items():
                values.append(lmdb_records.target_of(record, name, where))
        self.num_samples.append(len(sequences) - start)
    lmdb_records.count_missing(targets, str(Path(lmdb_files[0]).parent))
    num_samples = self.num_samples
    self.load_sequence(
        sequences, targets, transform=transform, lazy=lazy, verbose=verbose, **kwargs
    )
    self.num_samples, self.lmdb_files = num_samples, list(lmdb_files)


def get_item(self: Any, index: int) -> dict[str, Any]:
    """TorchDrug's `get_item`, where the lazy one is made from the sequence, not from SMILES."""
    if getattr(self, "lazy", False):
        graph = data.Protein.from_sequence(self.sequences[index], **self.kwargs)
    else:
        graph = self.data[index]
    item = {"graph": graph, **{name: values[index] for name, values in self.targets.items()}}
    return self.transform(item) if self.transform else item


def manifest(self: Any) -> dict[str, Any]:
    """Where a data set's files are from, and which it `used`, for the folder of a run."""
    names = {"url": "url", "md5": "md5", "files": "used"}
    known = {key: getattr(self, name, None) for key, name in names.items()}
    return {key: value for key, value in known.items() if value is not None}


def _load_storage(content: bytes) -> Any:
    """A tensor's storage out of a pickle; it is a pickle of its own, read as safely."""
    return torch.load(io.BytesIO(content), weights_only=True)


# What TorchDrug's own pickles of proteins hold, beside plain values.
_PROTEINS = {
    ("torchdrug.data.protein", "Protein"): data.Protein,
    ("torch.storage", "_load_from_bytes"): _load_storage,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_sparse_tensor"): torch._utils._rebuild_sparse_tensor,
    ("torch.serialization", "_get_layout"): torch.serialization._get_layout,
    ("torch", "Size"): torch.Size,
    ("collections", "OrderedDict"): dict,
}


def _load(file: IO[bytes]) -> Any:
    return safe_pickle.load(file, _PROTEINS)


def _loads(content: bytes) -> Any:
    return safe_pickle.loads(content, _PROTEINS)


def apply() -> None:
    """Put all of this in the place of TorchDrug's."""
    utils.download, utils.extract = download, extract
    torchdrug_dataset.pickle = SimpleNamespace(
        load=_load, loads=_loads, dump=pickle.dump, dumps=pickle.dumps
    )
    for cls in (data.ProteinDataset, data.ProteinPairDataset):
        cls.load_lmdbs = _in_place_of(cls.load_lmdbs)
    data.ProteinDataset.get_item = get_item
    for cls in (data.ProteinDataset, data.ProteinPairDataset, data.ProteinLigandDataset):
        cls.manifest = property(manifest)


def _in_place_of(theirs: Any) -> Any:
    """`load_lmdbs` with the name, documentation and signature of TorchDrug's."""

    @wraps(theirs)
    def load(self: Any, *arguments: Any, **options: Any) -> None:
        load_lmdbs(self, *arguments, **options)

    return load
