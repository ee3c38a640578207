"""Small tables of real proteins with real labels, from the built-in sample of UniProtKB entries."""

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

MAX_RESIDUES = 220
KEYWORDS = ("Transport", "3D-structure", "Direct protein sequencing", "Metal-binding", "Cytoplasm")
# Hydropathy of Kyte and Doolittle (1982).
HYDROPATHY = {
    "A": 1.8, "R": -4.5, "N": -3.5, "D": -3.5, "C": 2.5, "Q": -3.5, "E": -3.5, "G": -0.4,
    "H": -3.2, "I": 4.5, "L": 3.8, "K": -3.9, "M": 1.9, "F": 2.8, "P": -1.6, "S": -0.8,
    "T": -0.7, "W": -0.9, "Y": -1.3, "V": 4.2,
}  # fmt: skip
STRUCTURE = {"HELIX": "H", "STRAND": "E", "TURN": "T"}


class Protein(NamedTuple):
    """An entry of the sample, as far as the labels need it."""

    sequence: str
    keywords: list[str]
    is_flavodoxin: bool
    structure: str


def read_proteins(path):
    """Entries of the sample with at most `MAX_RESIDUES`, each sequence once."""
    with gzip.open(path, "rt") as file:
        records = file.read().split("\n//\n")
    proteins = [_protein(record.splitlines()) for record in records if record.strip()]
    short = [protein for protein in proteins if len(protein.sequence) <= MAX_RESIDUES]
    return list({protein.sequence: protein for protein in short}.values())


def _protein(lines):
    sequence = "".join(line.replace(" ", "") for line in lines if line.startswith("     "))
    words = " ".join(line[5:] for line in lines if line.startswith("KW")).rstrip(".").split(";")
    structure = ["?"] * len(sequence)
    for line in lines:
        kind, *place = line[5:].split()[:3] if line.startswith("FT   ") else [""]
        if kind in STRUCTURE:
            start, end = map(int, place)
            structure[start - 1 : end] = STRUCTURE[kind] * (end - start + 1)
    flavodoxin = any("Belongs to the flavodoxin family" in line for line in lines)
    return Protein(sequence, [word.strip() for word in words], flavodoxin, "".join(structure))


def mean_hydropathy(sequence):
    return sum(HYDROPATHY.get(letter, 0.0) for letter in sequence) / len(sequence)


def write_regression(proteins, path: Path, target="label"):
    """Mean hydropathy; some proteins have none, as in measured data."""
    values = [f"{mean_hydropathy(p.sequence):.4f}" for p in proteins]
    rows = [(p.sequence, "" if i % 7 == 3 else v) for i, (p, v) in enumerate(zip(proteins, values))]
    return _write(path, ("sequence", target), rows)


def write_classification(proteins, path: Path, target="label"):
    rows = [(p.sequence, "flavodoxin" if p.is_flavodoxin else "other") for p in proteins]
    return _write(path, ("sequence", target), rows)


def write_labels(proteins, path: Path, target="label"):
    rows = [(p.sequence, ";".join(k for k in KEYWORDS if k in p.keywords)) for p in proteins]
    return _write(path, ("sequence", target), rows)


def write_pairs(proteins, path: Path, target="label"):
    """Each protein with the next but one: are both flavodoxins?"""
    rows = [
        (p.sequence, q.sequence, "same" if p.is_flavodoxin and q.is_flavodoxin else "not")
        for p, q in zip(proteins, proteins[2:] + proteins[:2])
    ]
    return _write(path, ("sequence_1", "sequence_2", target), rows)


def write_residues(proteins, path: Path, target="label"):
    rows = [(p.sequence, p.structure) for p in proteins if set(p.structure) != {"?"}]
    return _write(path, ("sequence", target), rows)


def _write(path, header, rows):
    """Every fifth row is for validation, the one after it for test."""
    split = ["valid", "test", "train", "train", "train"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*header, "split"))
        writer.writerows((*row, split[i % 5]) for i, row in enumerate(rows))
    return str(path)
