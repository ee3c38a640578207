"""What several test modules build: batches of real pairs, small models and tables."""

import csv

import torch
from torch import multiprocessing
from torchdrug.data import graph_collate

from protclip_td.data.proteins import to_protein
from protclip_td.models import ProtCLIP
from protclip_td.properties import PROPERTIES


def run_ranks(function, *arguments):
    """Call a function as rank 0 and as rank 1, each in a process of its own.

    Not spawned: where Python shuts down, threads of gloo that still run abort the process.
    """
    multiprocessing.start_processes(function, arguments, nprocs=2, start_method="forkserver")


def item(entry, index):
    """One pair as `datasets.ProtAnno` hands it to TorchDrug."""
    keys = [prop.key for prop in PROPERTIES]
    return {
        "graph": to_protein(entry.sequence),
        "biotext": entry.biotext,
        "property_text": dict(zip(keys, entry.properties)),
        "accession": entry.accession,
        "index": index,
    }


def batch_of(entries, indices=None):
    """A batch by TorchDrug's own collate function."""
    indices = range(len(entries)) if indices is None else indices
    return graph_collate([item(entry, index) for entry, index in zip(entries, indices)])


def assert_equal_packs(pack, expected):
    """All that two packs of proteins hold is the same: names, types, shapes, devices, numbers."""
    assert type(pack) is type(expected)
    assert list(pack.meta_dict) == list(expected.meta_dict)
    assert vars(pack).keys() == vars(expected).keys()
    for name, value in vars(expected).items():
        given = getattr(pack, name)
        if not isinstance(value, torch.Tensor):
            assert given == value, name
            continue
        kind = value.dtype, value.shape, value.device, value.layout, value.requires_grad
        assert (given.dtype, given.shape, given.device, given.layout, given.requires_grad) == kind
        assert torch.equal(given, value), name


def tiny_model(protein_folder, text_folder, **options):
    """ProtCLIP of a few thousand parameters."""
    settings = {"projection_dim": 16, "num_prototype": 8, **options}
    return ProtCLIP(protein_encoder=protein_folder, text_encoder=text_folder, **settings)


def table_of(tmp_path, **cells):
    """The path of a CSV table with these columns."""
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(cells)
        writer.writerows(zip(*cells.values()))
    return str(path)
