"""What several test modules build: batches of real pairs and small models."""

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


def tiny_model(protein_folder, text_folder, **options):
    """ProtCLIP of a few thousand parameters."""
    settings = {"projection_dim": 16, "num_prototype": 8, **options}
    return ProtCLIP(protein_encoder=protein_folder, text_encoder=text_folder, **settings)
