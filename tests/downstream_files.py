"""Tiny files of the downstream benchmarks, in exactly the layout of the downloads.

`make(name, folder, monkeypatch)` puts them below `folder`, which then is the ``--path`` of the
benchmark's configuration. Sequences are real, from the built-in sample; labels follow them, so
that there is something to learn. TorchDrug's classes ask for the checksum of the real archive; it
is replaced by that of the tiny one.
"""

import csv
import hashlib
import io
import pickle
import shutil
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import lmdb
import numpy as np
from torchdrug import datasets

from protclip_td.data.built_in import SAMPLE
from protclip_td.data.reading.readers import read_pairs
from protclip_td.datasets import AAV, Reaction, Thermostability

SPLITS = ("train", "valid", "test")
SIZES = (16, 4, 8)
# Of seven items in the order of target or length, so that all splits have high and low ones.
_PATTERN = ("train", "valid", "train", "test", "train", "test", "train")
EC_TERMS = ["1.1.1.-", "2.7.11.1", "3.4.-.-", "4.2.1.1"]
GO_TERMS = {
    "MF": {"GO:0005524": "ATP binding", "GO:0003677": "DNA binding", "GO:0020037": "heme binding"},
    "BP": {"GO:0006412": "translation", "GO:0055085": "transmembrane transport"},
    "CC": {"GO:0005737": "cytoplasm", "GO:0016020": "membrane"},
}
_FULL_NAMES = {
    "MF": "molecular_function",
    "BP": "biological_process",
    "CC": "cellular_component",
}


@cache
def _sample():
    return sorted({entry.sequence for entry in read_pairs(SAMPLE)}, key=lambda s: (len(s), s))


def sequences(count, shortest=1):
    """Real, different sequences, short ones first."""
    return [s for s in _sample() if len(s) >= shortest][:count]


def hydropathy(sequence):
    """Share of hydrophobic residues, which an encoder can see."""
    return sum(letter in "AILMFVWC" for letter in sequence) / len(sequence)


def write_lmdb(folder, records, number=None):
    """Records as TAPE and PEER keep them, and their number."""
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**24) as environment, environment.begin(write=True) as to:
        to.put(b"num_examples", pickle.dumps(len(records) if number is None else number))
        for i, record in enumerate(records):
            to.put(str(i).encode(), pickle.dumps({**record, "id": str(i).encode()}))
    (folder / "lock.mdb").unlink(missing_ok=True)


def pack(folder, name, archive):
    """Put a folder into an archive beside it, and take it away."""
    with io.BytesIO() as buffer:
        if archive.endswith(".zip"):
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
                for path in sorted((folder / name).rglob("*")):
                    zipped.write(path, path.relative_to(folder))
        else:
            with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                tar.add(folder / name, name)
        (folder / archive).write_bytes(buffer.getvalue())
    shutil.rmtree(folder / name)
    return hashlib.md5((folder / archive).read_bytes()).hexdigest()


def split_up(items):
    """Items by split; all splits have short and long ones."""
    items = list(items)
    return {name: [x for i, x in enumerate(items) if _PATTERN[i % 7] == name] for name in SPLITS}


def make_lmdb(cls, folder, monkeypatch, records):
    """The archive of one of TorchDrug's LMDB data sets; `records` by split."""
    archive = cls.url.rpartition("/")[2]
    name = archive.partition(".")[0]
    folder.mkdir(parents=True, exist_ok=True)
    for split, found in records.items():
        write_lmdb(folder / name / f"{name}_{split}.lmdb", found)
    monkeypatch.setattr(cls, "md5", pack(folder, name, archive))


def make_proteins(cls, target, value, folder, monkeypatch):
    """One protein and one target per record; `value` takes rank by hydropathy and sequence."""
    records = [
        {"primary": protein, "protein_length": len(protein), target: value(rank, protein)}
        for rank, protein in enumerate(sorted(sequences(sum(SIZES)), key=hydropathy))
    ]
    make_lmdb(cls, folder, monkeypatch, split_up(records))


def make_classes(cls, target, num_class, folder, monkeypatch):
    """Classes by hydropathy, of which training has each."""
    make_proteins(cls, target, lambda rank, _: rank * num_class // sum(SIZES), folder, monkeypatch)


def make_pairs(cls, value, folder, monkeypatch, extra=()):
    """Two proteins per record."""
    proteins = sequences(sum(SIZES))
    records = split_up(
        {"primary_1": a, "primary_2": b, "interaction": value(a, b)}
        for a, b in zip(proteins, proteins[3:] + proteins[:3])
    )
    records |= dict.fromkeys(extra, records["test"])
    make_lmdb(cls, folder, monkeypatch, records)


def make_flip(cls, split, folder, monkeypatch, prefix=""):
    """FLIP's CSV files in its archive; some rows belong to no set."""
    folder.mkdir(parents=True)
    rows = [
        [prefix + s, f"{100 * hydropathy(s):.4f}", *(("test", "False") if i % 5 == 1 else
                                                    ("train", str(i % 5 == 0)))]
        for i, s in enumerate(sequences(sum(SIZES)))
    ]  # fmt: skip
    rows.append([prefix + "MKV", "1.0", "", ""])
    (folder / "splits").mkdir()
    for name in (split, "sampled"):
        with (folder / "splits" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["sequence", "target", "set", "validation"])
            writer.writerows(rows)
    monkeypatch.setattr(cls, "md5", pack(folder, "splits", "splits.zip"))


def make_reaction(folder, monkeypatch):
    """The LMDB files, and ProtST's names of the reactions."""
    make_classes(Reaction, "label", 3, folder, monkeypatch)
    make_reaction_names(folder)


def make_reaction_names(folder):
    """What three reactions are called."""
    names = ["heme oxidase. heme oxygenase.", "alcohol dehydrogenase. ", "nitrogenase. "]
    (folder / "Reaction").mkdir()
    text = "id\tname\n" + "".join(f"{i}\t{name}\n" for i, name in enumerate(names))
    (folder / "Reaction" / "reaction_name.tsv").write_text(text)


def chains():
    """Names of PDB chains with their sequences; not in the order of their names."""
    count = sum(SIZES)
    names = [f"{1 + i % 9}{'ZAMB'[i % 4]}{i:02d}-{'ABa'[i % 3]}" for i in range(count)]
    return dict(zip(names, sequences(count)))


def write_chain_files(folder, prefix, named):
    """Sequences and splits as DeepFRI publishes them; one test chain is 95 % like training."""
    folder.mkdir(parents=True, exist_ok=True)
    records = "".join(f">{name} nrPDB\n{sequence}\n" for name, sequence in named.items())
    (folder / f"{prefix}_sequences.fasta").write_text(records)
    splits = split_up(named)
    for name in ("train", "valid"):
        (folder / f"{prefix}_{name}.txt").write_text("".join(f"{c}\n" for c in splits[name]))
    rows = [f"{chain},0,0,1,1,{int(i != 1)}" for i, chain in enumerate(splits["test"])]
    (folder / f"{prefix}_test.csv").write_text(
        "PDB-chain,<30%,<40%,<50%,<70%,<95%\n" + "".join(f"{row}\n" for row in rows)
    )


def terms_of(sequence, terms):
    """Terms that go with the sequence; each has its residue."""
    share = {term: sequence.count("LKGA"[i % 4]) for i, term in enumerate(terms)}
    return [term for term in terms if share[term] >= 0.085 * len(sequence)]


def make_ec(folder, monkeypatch=None):
    """Files of the Enzyme Commission benchmark."""
    named = chains()
    found = {chain: terms_of(s, EC_TERMS) or EC_TERMS[:1] for chain, s in named.items()}
    write_ec(folder, named, EC_TERMS, found)


def write_ec(folder, named, terms, found):
    """DeepFRI's files for any chains; the lines end as csv.writer ends them.

    `found` has the terms of each chain.
    """
    folder = folder / "EnzymeCommission"
    write_chain_files(folder, "nrPDB-EC", named)
    with (folder / "nrPDB-EC_annot.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["### EC-numbers"], terms, ["### PDB-chain", "EC-numbers"]])
        writer.writerows([chain, ",".join(reversed(found[chain]))] for chain in named)


def make_go(folder, monkeypatch=None):
    """Files of the Gene Ontology benchmark; a chain may have no term of a branch."""
    named = chains()
    found = {
        branch: {chain: terms_of(s, list(terms)) for chain, s in named.items()}
        for branch, terms in GO_TERMS.items()
    }
    write_go(folder, named, GO_TERMS, found)


def write_go(folder, named, terms, found):
    """DeepFRI's files for any chains.

    By branch, `terms` has the name of each term, and `found` the terms of each chain.
    """
    folder = folder / "GeneOntology"
    write_chain_files(folder, "nrPDB-GO", named)
    with (folder / "nrPDB-GO_annot.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        for branch, of_branch in terms.items():
            full = _FULL_NAMES[branch]
            writer.writerows([[f"### GO-terms ({full})"], list(of_branch)])
            writer.writerows([[f"### GO-names ({full})"], list(of_branch.values())])
        header = [f"GO-terms ({_FULL_NAMES[branch]})" for branch in terms]
        writer.writerow(["### PDB-chain", *header])
        for chain in named:
            writer.writerow([chain, *(",".join(found[branch][chain]) for branch in terms)])


def _number(_, sequence):
    return np.array([hydropathy(sequence)], dtype=np.float32)


_MAKERS = {
    "bin": lambda *to: make_classes(datasets.BinaryLocalization, "localization", 2, *to),
    "sub": lambda *to: make_classes(datasets.SubcellularLocalization, "localization", 10, *to),
    "ec": make_ec,
    "go_bp": make_go,
    "beta_lactamase": lambda *to: make_proteins(
        datasets.BetaLactamase, "scaled_effect1", lambda _, s: hydropathy(s), *to
    ),
    "fluorescence": lambda *to: make_proteins(
        datasets.Fluorescence, "log_fluorescence", _number, *to
    ),
    "stability": lambda *to: make_proteins(datasets.Stability, "stability_score", _number, *to),
    "aav": lambda folder, patch: make_flip(
        AAV, "two_vs_many", folder / "aav", patch, prefix="".join(sequences(9, 60))[:474]
    ),
    "thermostability": lambda folder, patch: make_flip(
        Thermostability, "human_cell", folder / "thermostability", patch
    ),
    "zero_shot_reaction": make_reaction,
    "human_ppi": lambda *to: make_pairs(
        datasets.HumanPPI, lambda a, b: int(hydropathy(a + b) > 0.39), *to,
        extra=["cross_species_test"],
    ),
    "yeast_ppi": lambda *to: make_pairs(
        datasets.YeastPPI, lambda a, b: int(hydropathy(a + b) > 0.39), *to,
        extra=["cross_species_test"],
    ),
    "ppi_affinity": lambda *to: make_pairs(
        datasets.PPIAffinity, lambda a, b: np.float64(9 * hydropathy(a + b)), *to
    ),
}  # fmt: skip
_MAKERS |= dict.fromkeys(("go_mf", "go_cc", "text_to_protein"), make_go)
_MAKERS["zero_shot_sub"] = _MAKERS["sub"]
#: Benchmarks that can be made.
NAMES = tuple(_MAKERS)


def make(name, folder, monkeypatch):
    """Put the files of a benchmark below a folder, and its checksum into its class."""
    _MAKERS[name](Path(folder), monkeypatch)
