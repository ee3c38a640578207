"""Files of all benchmarks at the sizes of the real ones, with random proteins and labels.

They are in layouts that the data sets read: EC and GO under TorchDrug's names, drugs as `.npz`,
STRING as GNN-PPI's cut of it. Numbers of proteins and pairs are the published ones, lengths about
the real ones. Made up is how FLIP's tables are split, and that no protein is in two pairs.
"""

import csv
import gzip
import hashlib
import io
import pickle
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
from graph_data import random_proteins, write_prime_kg, write_string
from torchdrug import datasets

from protclip_td.datasets import AAV, Reaction, STRINGActions, Thermostability

SPLITS = ("train", "valid", "test")


class Archive(NamedTuple):
    """An archive of LMDB folders: proteins of each split, their residues and the targets' field."""

    cls: Any
    sizes: tuple[int, ...]
    residues: int
    spread: float
    field: str


class Table(NamedTuple):
    """One of FLIP's tables: its proteins, and the residues before and in the varied part."""

    cls: Any
    split: str
    size: int
    before: int
    residues: int
    spread: float


PROTEINS = (
    Archive(datasets.BinaryLocalization, (5_161, 1_727, 1_746), 500, 0.5, "localization"),
    Archive(datasets.SubcellularLocalization, (8_945, 2_248, 2_768), 500, 0.5, "localization"),
    Archive(datasets.BetaLactamase, (4_158, 520, 520), 286, 0, "scaled_effect1"),
    Archive(datasets.Fluorescence, (21_446, 5_362, 27_217), 237, 0, "log_fluorescence"),
    Archive(datasets.Stability, (53_571, 2_512, 12_851), 45, 0, "stability_score"),
    Archive(Reaction, (29_215, 2_562, 5_651), 300, 0.5, "label"),
)
# The sizes of the archives, which are not those of their documentation: see torchdrug issue 234.
# Those of human pairs and of other species' pairs, the fourth, are estimates.
PAIRS: tuple[tuple[Any, tuple[int, ...]], ...] = (
    (datasets.HumanPPI, (35_669, 315, 237, 32_720)),
    (datasets.YeastPPI, (4_945, 95, 394, 32_720)),
    (datasets.PPIAffinity, (2_421, 203, 326)),
)
#: Number of classes, by data set; the targets of the others are numbers.
CLASSES = {"BinaryLocalization": 2, "SubcellularLocalization": 10, "Reaction": 384}
TABLES = (
    Table(AAV, "two_vs_many", 82_583, 474, 261, 0),
    Table(Thermostability, "human_cell", 7_158, 0, 400, 0.5),
)
EC_CHAINS = (15_551, 1_729, 1_919)
GO_CHAINS = (29_902, 3_323, 3_416)
EC_TERMS = 538
GO_TERMS = {
    "molecular_function": 489,
    "biological_process": 1_943,
    "cellular_component": 320,
}
HUMAN_PROTEINS = 20_400


def write_all(folder: Path, share: float = 1.0) -> dict[str, str]:
    """Write the files of all benchmarks.

    Parameters:
        folder (Path): data folder, which is made
        share (float, optional): of the proteins and edges; the graphs keep their nodes

    Returns:
        dict: MD5 of each data set's archive, by the name of its class
    """
    folder.mkdir(parents=True)
    found = {}
    for archive in PROTEINS:
        archive = archive._replace(sizes=part(archive.sizes, share))
        found[archive.cls.__name__] = write_proteins(folder, archive)
    for cls, sizes in PAIRS:
        found[cls.__name__] = write_pairs(folder, cls, part(sizes, share))
    for table in TABLES:
        proteins = random_proteins(*part((table.size,), share), table.residues, table.spread)
        name = table.cls.__name__
        whole = ("M" * table.before + protein for protein in proteins)
        found[name] = write_flip(folder / name.lower(), table.split, whole)
    names = "".join(f"{i}\treaction number {i}. its other name.\n" for i in range(384))
    (folder / "Reaction").mkdir()
    (folder / "Reaction" / "reaction_name.tsv").write_text(f"id\tname\n{names}")
    write_ec(folder / "EnzymeCommission", part(EC_CHAINS, share))
    write_go(folder / "GeneOntology", part(GO_CHAINS, share))
    write_probe(folder / "probe")
    write_prime_kg(folder / "primekg", share)
    for network in STRINGActions.files:
        write_string(folder / "string_actions", network, share)
    return found


def part(sizes: tuple[int, ...], share: float) -> tuple[int, ...]:
    """A share of each size, and 64 at least."""
    return tuple(max(int(size * share), 64) for size in sizes)


def write_proteins(folder: Path, archive: Archive) -> str:
    """The archive of a data set with one protein per item; returns its MD5."""
    cls, sizes, residues, spread, field = archive
    draw = np.random.default_rng(residues)
    num_class = CLASSES.get(cls.__name__)

    def value() -> Any:
        if num_class:
            return int(draw.integers(num_class))
        # TAPE keeps an array of one number, PEER the number.
        return draw.random() if field == "scaled_effect1" else draw.random(1, np.float32)

    proteins = random_proteins(sum(sizes), residues, spread)
    records = ({"primary": s, "protein_length": len(s), field: value()} for s in proteins)
    return write_archive(folder, cls, sizes, records)


def write_pairs(folder: Path, cls: Any, sizes: tuple[int, ...]) -> str:
    """The archive of a data set with two proteins per item; returns its MD5."""
    draw = np.random.default_rng(len(sizes))
    affinity = cls is datasets.PPIAffinity
    proteins = random_proteins(2 * sum(sizes), 400)
    records = (
        {"primary_1": a, "primary_2": b,
         "interaction": draw.random() if affinity else int(draw.integers(2))}
        for a, b in zip(proteins, proteins)
    )  # fmt: skip
    return write_archive(folder, cls, sizes, records)


def write_archive(
    folder: Path, cls: Any, sizes: tuple[int, ...], records: Iterator[dict[str, Any]]
) -> str:
    """An archive of LMDB folders, one a split."""
    archive = cls.url.rpartition("/")[2]
    name = archive.partition(".")[0]
    for split, size in zip((*SPLITS, "cross_species_test"), sizes):
        place = folder / name / f"{name}_{split}.lmdb"
        place.mkdir(parents=True)
        with lmdb.open(str(place), map_size=2**32) as to, to.begin(write=True) as transaction:
            transaction.put(b"num_examples", pickle.dumps(size))
            for i in range(size):
                record = {**next(records), "id": str(i).encode()}
                transaction.put(str(i).encode(), pickle.dumps(record))
        (place / "lock.mdb").unlink()
    return pack(folder, name, archive)


def pack(folder: Path, name: str, archive: str) -> str:
    """Put a folder into an archive beside it, and take it away; returns the archive's MD5."""
    path = folder / archive
    if archive.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for file in sorted((folder / name).rglob("*")):
                zipped.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, "w:gz", compresslevel=1) as tar:
            tar.add(folder / name, name)
    shutil.rmtree(folder / name)
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_flip(folder: Path, split: str, proteins: Iterable[str]) -> str:
    """FLIP's table in its archive, of ten rows five for training and one for validation."""
    (folder / "splits").mkdir(parents=True)
    draw = np.random.default_rng(0)
    with (folder / "splits" / f"{split}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sequence", "target", "set", "validation"])
        for i, protein in enumerate(proteins):
            row = ("test", "") if i % 10 > 5 else ("train", str(i % 10 == 5))
            writer.writerow([protein, f"{draw.normal():.6f}", *row])
    return pack(folder, "splits", "splits.zip")


def write_ec(folder: Path, sizes: tuple[int, ...]) -> None:
    """DeepFRI's files of the Enzyme Commission benchmark."""
    draw = np.random.default_rng(1)
    terms = [f"{i // 60 + 1}.{i // 20 + 1}.{i % 20 + 1}.{i}" for i in range(EC_TERMS)]
    rows: list[Iterable[str]] = [["### EC-numbers"], terms, ["### PDB-chain", "EC-numbers"]]
    rows += [[name, some_of(terms, 2, draw)] for name in write_splits(folder, "nrPDB-EC", sizes)]
    write_table(folder / "nrPDB-EC_annot.tsv", rows)


def write_go(folder: Path, sizes: tuple[int, ...]) -> None:
    """DeepFRI's files of the Gene Ontology benchmarks."""
    draw = np.random.default_rng(2)
    rows: list[Iterable[str]] = []
    branches = []
    for branch, number in GO_TERMS.items():
        terms = [f"GO:{len(branches)}{i:06d}" for i in range(number)]
        branches.append(terms)
        rows += [[f"### GO-terms ({branch})"], terms]
        rows += [[f"### GO-names ({branch})"], [f"name of {term}" for term in terms]]
    rows.append(["### PDB-chain", *(f"GO-terms ({branch})" for branch in GO_TERMS)])
    for name in write_splits(folder, "nrPDB-GO", sizes):
        rows.append([name, *(some_of(terms, 12, draw) for terms in branches)])
    write_table(folder / "nrPDB-GO_annot.tsv", rows)


def some_of(terms: list[str], most: int, draw: np.random.Generator) -> str:
    """Some terms, the first ones more often."""
    places = (len(terms) * draw.random(draw.integers(1, most + 1)) ** 2).astype(int)
    return ",".join(terms[i] for i in sorted(set(places.tolist())))


def write_splits(folder: Path, prefix: str, sizes: tuple[int, ...]) -> list[str]:
    """Sequences and splits of chains; returns the names of the chains."""
    folder.mkdir()
    names = [f"{i:06X}-A" for i in range(sum(sizes))]
    records = (f">{n} nrPDB\n{s}\n" for n, s in zip(names, random_proteins(len(names), 250)))
    (folder / f"{prefix}_sequences.fasta").write_text("".join(records))
    train, valid = sizes[0], sizes[0] + sizes[1]
    for split, of_split in (("train", names[:train]), ("valid", names[train:valid])):
        (folder / f"{prefix}_{split}.txt").write_text("".join(f"{name}\n" for name in of_split))
    lines = [f"{name},0,0,1,1,{int(i % 8 != 0)}\n" for i, name in enumerate(names[valid:])]
    header = "PDB-chain,<30%,<40%,<50%,<70%,<95%\n"
    (folder / f"{prefix}_test.csv").write_text(header + "".join(lines))
    return names


def write_table(path: Path, rows: Iterable[Iterable[str]]) -> None:
    """A TSV file with the line ends of csv.writer."""
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)


def write_probe(folder: Path) -> None:
    """Human proteins as UniProt publishes them, and PROBE's three matrices of 500."""
    folder.mkdir()
    names = [f"Q{i:05d}" for i in range(HUMAN_PROTEINS)]
    with gzip.open(folder / "human_reviewed.fasta.gz", "wt", compresslevel=1) as file:
        for name, protein in zip(names, random_proteins(HUMAN_PROTEINS, 560)):
            lines = "\n".join(protein[i : i + 60] for i in range(0, len(protein), 60))
            file.write(f">sp|{name}|{name}_HUMAN A protein OS=Homo sapiens OX=9606\n{lines}\n")
    draw = np.random.default_rng(3)
    for aspect in ("MF", "BP", "CC"):
        matrix = draw.random((500, 500))
        matrix = (matrix + matrix.T) / 2
        name = f"human_{aspect}_proteinSimilarityMatrix_for_highest_annotated_500_proteins.csv"
        text = io.StringIO()
        np.savetxt(text, matrix, "%.3g", ",", header=",".join(f'"{n}"' for n in names[:500]),
                   comments="")  # fmt: skip
        (folder / name).write_text(text.getvalue())
