"""Small files in the real layouts of PrimeKG, BioBridge and STRING, from real sequences."""

import csv
import pickle
import random
from pathlib import Path

import numpy as np

from protclip_td.data.outside.remote import PublishedFile
from protclip_td.datasets import PrimeKG

KG_HEADER = (
    "relation", "display_relation",
    "x_index", "x_id", "x_type", "x_name", "x_source",
    "y_index", "y_id", "y_type", "y_name", "y_source",
)  # fmt: skip
ACTIONS_HEADER = (
    "item_id_a",
    "item_id_b",
    "mode",
    "action",
    "is_directional",
    "a_is_acting",
    "score",
)
# PrimeKG's features of diseases, which BioBridge's list of them has kept.
DISEASE_HEADER = (
    "node_index",
    "mondo_id",
    "mondo_name",
    "group_id_bert",
    "group_name_bert",
    "mondo_definition",
    "umls_description",
    "orphanet_definition",
    "orphanet_prevalence",
    "orphanet_epidemiology",
    "orphanet_clinical_description",
    "orphanet_management_and_treatment",
    "mayo_symptoms",
    "mayo_causes",
    "mayo_risk_factors",
    "mayo_complications",
    "mayo_prevention",
    "mayo_see_doc",
)
_TERMS = {
    "biological_process": ("biological.csv", "bioprocess_protein", "interacts with", "process"),
    "molecular_function": ("molecular.csv", "molfunc_protein", "interacts with", "binding"),
    "cellular_component": ("cellular.csv", "cellcomp_protein", "interacts with", "membrane"),
    "disease": ("disease.csv", "disease_protein", "associated with", "syndrome"),
    "drug": ("drug.pkl", "drug_protein", "target", "inhibitor"),
}


def charged(sequence):
    """Share of the residues that are charged."""
    return sum(map(sequence.count, "KRDEH")) / len(sequence)


def is_rich(sequence):
    """Whether more of the residues are charged than usual: a label that an encoder can see."""
    return charged(sequence) > 0.27


def two_kinds(entries, num=24):
    """Short sequences with the fewest and with the most charged residues, `num` of each."""
    short = {entry.sequence for entry in entries if len(entry.sequence) < 300}
    ordered = sorted(short, key=lambda sequence: (charged(sequence), sequence))
    return [*ordered[:num], *ordered[-num:]]


def write_prime_kg(path, sequences, num_term=20, num_partner=4, seed=0):
    """All files of `datasets.PrimeKG`; returns the folder they lie in.

    Terms of even number belong to charged proteins, the others to the rest.
    """
    folder = Path(path) / "primekg"
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    proteins = list(enumerate(sequences))
    write_csv(
        folder / "protein.csv",
        ("node_id", "node_index", "node_name", "node_type", "node_source", "sequence"),
        [(i, i, f"GENE{i}", "gene/protein", "NCBI", s) for i, s in proteins],
    )
    rows = [_edge("protein_protein", "ppi", _gene(0), _gene(1))]
    start = len(proteins)
    for node_type, (file, relation, display, word) in _TERMS.items():
        terms = [
            (start + i, node_type, f"{word} {'abcdefghijklmnopqrst'[i]}") for i in range(num_term)
        ]
        start += num_term
        _write_nodes(folder / file, terms, draw)
        rows += [_edge("parent", "parent-child", terms[0], terms[1])]
        for i, sequence in proteins:
            fitting = terms[is_rich(sequence) :: 2]
            rows += [
                _edge(relation, display, term, _gene(i))
                for term in draw.sample(fitting, num_partner)
            ]
    # Nodes and edges that do not count: an anatomy, and a gene without a sequence.
    rows.append(
        _edge("anatomy_protein", "expression present", (start, "anatomy", "liver"), _gene(0))
    )
    rows.append(_edge("protein_protein", "ppi", (start + 1, "gene/protein", "NONE"), _gene(0)))
    reverse = [(*row[:2], *row[7:], *row[2:7]) for row in rows]
    write_csv(folder / "kg.csv", KG_HEADER, rows + reverse)
    return folder


def _gene(i):
    return i, "gene/protein", f"GENE{i}"


def _edge(relation, display, x, y):
    cells = [(index, f"ID{index}", node_type, name, "SOURCE") for index, node_type, name in (x, y)]
    return (relation, display, *cells[0], *cells[1])


def _write_nodes(path, nodes, draw):
    if path.suffix == ".pkl":
        content = {
            "node_index": [index for index, _, _ in nodes],
            "node_id": [f"DB{index}" for index, _, _ in nodes],
            "node_name": [name for _, _, name in nodes],
            "embedding": np.array([[draw.gauss(0, 1) for _ in range(8)] for _ in nodes], "f4"),
        }
        path.write_bytes(pickle.dumps(content))
        return
    if path.name == "disease.csv":
        write_csv(path, DISEASE_HEADER, _disease_rows(nodes))
        return
    header = ("node_id", "node_index", "node_name", "node_type", "node_source", "description")
    rows = [
        (i, i, name, kind, "GO", 'A "quoted"\ndescription, of two lines') for i, kind, name in nodes
    ]
    write_csv(path, header, rows)


def _disease_rows(nodes):
    """A disease has a row for each of its descriptions, so that some come several times."""
    for number, (index, _, name) in enumerate(nodes):
        for version in range(1 + number % 3):
            named = [index, index, name, "", "", f'The "{name}",\nof two lines.']
            others = [f"Description {version}", *[""] * (len(DISEASE_HEADER) - len(named) - 2)]
            yield [*named, *others, "See a doctor\n\nwhen ill."]


def write_csv(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def allow_small_graph(monkeypatch):
    """The small graph has other sizes and checksums than PrimeKG."""
    for name, (address, _) in PrimeKG.files.items():
        monkeypatch.setitem(PrimeKG.files, name, (address, PublishedFile()))


def write_string_actions(path, sequences, partners=6, seed=0):
    """Files of SHS27k for `datasets.STRINGActions`; returns the folder they lie in.

    Charged proteins bind each other, the others react, and mixed pairs inhibit each other.
    """
    folder = Path(path) / "string_actions"
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    names = [f"9606.ENSP{i:011d}" for i in range(len(sequences))]
    lines = ["\t".join(ACTIONS_HEADER)]
    for i, name in enumerate(names):
        for k in draw.sample(range(len(names)), partners):
            if k == i:
                continue
            for mode in _modes(sequences[i], sequences[k]):
                lines += [
                    f"{a}\t{b}\t{mode}\t\tt\t{acts}\t{draw.randint(150, 999)}"
                    for a, b, acts in ((name, names[k], "t"), (names[k], name, "f"))
                ]
    (folder / "protein.actions.SHS27k.STRING.txt").write_text("\n".join(lines) + "\n")
    rows = [f"{name}\t{sequence}" for name, sequence in zip(names, sequences)]
    (folder / "protein.SHS27k.sequences.dictionary.tsv").write_text("\n".join(rows) + "\n")
    return folder


def _modes(first, second):
    rich = is_rich(first) + is_rich(second)
    return {2: ("binding", "activation"), 1: ("inhibition",), 0: ("reaction", "catalysis")}[rich]
