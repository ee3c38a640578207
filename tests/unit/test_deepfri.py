"""EC and GO from sequences alone: the same rows and labels as TorchDrug's own classes."""

import zipfile
from functools import partial
from pathlib import Path

import downstream_files as files
import pytest
import torch
from torchdrug import datasets

from protclip_td.benchmark.protocol import is_comparable
from protclip_td.benchmark.published import PUBLISHED
from protclip_td.data.digests import md5_of
from protclip_td.datasets import ECSequences, GOSequences
from protclip_td.datasets.deepfri_files import ChainFiles
from protclip_td.errors import InputError

THREE_LETTERS = {
    "A": "ALA", "R": "ARG", "N": "ASN", "D": "ASP", "C": "CYS", "Q": "GLN", "E": "GLU",
    "G": "GLY", "H": "HIS", "I": "ILE", "L": "LEU", "K": "LYS", "M": "MET", "F": "PHE",
    "P": "PRO", "S": "SER", "T": "THR", "W": "TRP", "Y": "TYR", "V": "VAL",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    files.make_ec(tmp_path / "data")
    files.make_go(tmp_path / "data")
    return tmp_path / "data"


def pdb_text(sequence):
    """A structure with the alpha carbons alone, far from each other."""
    lines = [
        f"ATOM  {i:5d}  CA  {THREE_LETTERS[letter]} A{i:4d}    "
        f"{5.0 * i:8.3f}{0:8.3f}{0:8.3f}  1.00  0.00           C"
        for i, letter in enumerate(sequence, 1)
    ]
    return "\n".join([*lines, "END"]) + "\n"


def make_torchdrugs_archive(folder, name, prefix, cls, monkeypatch):
    """TorchDrug's archive: the same tables, and an archive of structures for each split."""
    named = files.split_up(files.chains().items())
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as outer:
        for ending in ("annot.tsv", "test.csv"):
            outer.write(folder / name / f"{prefix}_{ending}", f"{name}/{prefix}_{ending}")
        for split, found in named.items():
            path = folder / f"{split}.zip"
            with zipfile.ZipFile(path, "w") as inner:
                for chain, sequence in found:
                    inner.writestr(f"{split}/{chain}_model1.pdb", pdb_text(sequence[:3]))
            outer.write(path, f"{name}/{split}.zip")
            path.unlink()
    monkeypatch.setattr(cls, "md5", md5_of(folder / f"{name}.zip"))


CASES = [
    (datasets.EnzymeCommission, ECSequences, {}),
    *((datasets.GeneOntology, GOSequences, {"branch": b}) for b in ("MF", "BP", "CC")),
]


@pytest.mark.parametrize(("theirs", "ours", "options"), CASES)
def test_rows_and_labels_are_torchdrugs(theirs, ours, options, folder, monkeypatch):
    # TorchDrug's own would be compiled first, for the better part of a minute.
    sparse = partial(torch.sparse_coo_tensor, check_invariants=True)
    monkeypatch.setattr("torchdrug.utils.sparse_coo_tensor", sparse)
    prefix = "nrPDB-EC" if ours is ECSequences else "nrPDB-GO"
    make_torchdrugs_archive(folder, theirs.__name__, prefix, theirs, monkeypatch)
    assert ours(str(folder), test_cutoff=0.5, verbose=0, **options).num_samples == [16, 4, 8]
    theirs = theirs(str(folder), test_cutoff=0.95, verbose=0, **options)
    ours = ours(str(folder), verbose=0, **options)
    assert ours.chains == [Path(file).name.split("_")[0] for file in theirs.pdb_files]
    assert ours.tasks == theirs.tasks
    assert ours.num_samples == theirs.num_samples == [16, 4, 7]
    for mine, yours in zip(ours, theirs):
        assert torch.equal(mine["targets"], yours["targets"])
        assert mine["targets"].dtype == yours["targets"].dtype
        start = mine["graph"].residue_type[: yours["graph"].num_residue]
        assert torch.equal(start, yours["graph"].residue_type)


@pytest.mark.parametrize(("place", "cutoff"), list(enumerate([0.3, 0.4, 0.5, 0.7, 0.95])))
def test_each_cutoff_has_the_test_chains_of_its_column(folder, place, cutoff):
    path = folder / "EnzymeCommission" / "nrPDB-EC_test.csv"
    header, *rows = path.read_text().splitlines()
    chains = [row.partition(",")[0] for row in rows]
    flags = [[str(int(column >= i)) for column in range(5)] for i in range(len(chains))]
    rows = [",".join([chain, *row]) for chain, row in zip(chains, flags)]
    path.write_text("\n".join([header, *rows]) + "\n")
    test = ECSequences(str(folder), test_cutoff=cutoff).chains[20:]
    assert sorted(test) == sorted(chains[: place + 1])


def test_names_and_columns_of_go(folder):
    dataset = GOSequences(str(folder), branch="MF")
    assert dataset.tasks == list(files.GO_TERMS["MF"])
    assert dataset.label_names == ["ATP binding", "DNA binding", "heme binding"]
    named = files.chains()
    for chain, sequence, item in zip(dataset.chains, dataset.sequences, dataset):
        assert sequence == named[chain]
        found = [dataset.tasks[i] for i in item["targets"].nonzero().flatten()]
        assert found == files.terms_of(sequence, dataset.tasks)


def test_files_are_in_the_manifest(folder):
    dataset = ECSequences(str(folder))
    used = dataset.manifest["files"]
    assert used == dataset.used
    endings = {"annot.tsv", "test.csv", "train.txt", "valid.txt", "sequences.fasta"}
    assert set(used) == {f"nrPDB-EC_{ending}" for ending in endings}
    assert all(md5_of(folder / "EnzymeCommission" / name) == md5 for name, md5 in used.items())


def test_what_changes_the_test_set_is_in_the_manifest(folder, tmp_path):
    manifest = ECSequences(str(folder)).manifest
    assert manifest["test_cutoff"] == 0.95
    assert manifest["protocol"] == "all chains of DeepFRI's lists"
    path = tmp_path / "chains.txt"
    path.write_text("\n".join(ECSequences(str(folder)).chains[::2]))
    dataset = ECSequences(str(folder), test_cutoff=0.7, chains=str(path))
    assert [len(split) for split in dataset.split()] == [8, 2, 4]
    manifest = dataset.manifest
    assert manifest["test_cutoff"] == 0.7
    assert manifest["protocol"] == "identity up to 0.7, chosen chains"
    assert manifest["files"]["chains.txt"] == md5_of(path)


def test_published_numbers_are_marked_unless_the_chains_are_torchdrugs(
    folder, tmp_path, monkeypatch
):
    """Which its numbers of chains tell."""

    def protocol(*chains):
        path = tmp_path / "chains.txt"
        path.write_text("\n".join(chains))
        found = GOSequences(str(folder), chains=str(path) if chains else None)
        return found.manifest["protocol"]

    sizes = {"train": 15, "valid": 3, "test": 6}
    monkeypatch.setattr(ChainFiles, "least", {"nrPDB-GO": sizes})
    chains = GOSequences(str(folder)).chains
    assert protocol(*chains[1:19], *chains[20:26]) is None
    assert protocol(*chains[1:]) == "chosen chains"
    assert protocol() == "all chains of DeepFRI's lists"
    for numbers in PUBLISHED["go_mf"].values():
        row = {"protocols": [{"name": protocol()}]}
        assert not any(is_comparable(number._asdict(), row) for number in numbers)


@pytest.mark.parametrize("kind", [ECSequences, GOSequences])
def test_annotations_cut_in_the_last_line_are_not_used(folder, kind):
    """Where a term is left out at a comma, all that is left of it is right."""
    name = "nrPDB-EC" if kind is ECSequences else "nrPDB-GO"
    (path,) = folder.glob(f"*/{name}_annot.tsv")
    whole = path.read_bytes()
    for size in range(len(whole) - 12, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"annot.tsv: (its last line has no end|terms)"):
            kind(str(folder))
    path.write_bytes(whole[:-1])  # the line end itself is of two letters
    assert len(kind(str(folder))) == 27


def test_deepfris_own_names_of_the_files(folder):
    for path in (folder / "EnzymeCommission").iterdir():
        path.rename(path.with_name(path.name.replace("nrPDB-EC", "nrPDB-EC_2020.04")))
    assert len(ECSequences(str(folder))) == 27


def test_test_sequences_in_a_file_of_their_own(folder):
    path = folder / "EnzymeCommission" / "nrPDB-EC_sequences.fasta"
    records = path.read_text().split(">")[1:]
    before = ECSequences(str(folder)).sequences
    path.write_text("".join(f">{record}" for record in records[:20]))
    test = path.with_name("nrPDB-EC_test_sequences.fasta")
    test.write_text("".join(f">{record}" for record in records[20:]))
    assert ECSequences(str(folder)).sequences == before


def test_a_test_sequence_comes_from_the_file_of_test_sequences_where_both_have_it(folder):
    """Of what is in the first file only, nothing changes."""
    path = folder / "EnzymeCommission" / "nrPDB-EC_sequences.fasta"
    records = path.read_text().split(">")[1:]
    before = ECSequences(str(folder))
    first, second = before.chains[-2:]
    path.write_text("".join(f">{record}" for record in records if not record.startswith(second)))
    test = path.with_name("nrPDB-EC_test_sequences.fasta")
    test.write_text(f">{first}\nMKV\n>{second}\nMAGIC\n")
    after = ECSequences(str(folder))
    assert after.chains == before.chains
    assert after.sequences == [*before.sequences[:-2], "MKV", "MAGIC"]


def test_chains_whose_name_begins_with_anothers_are_in_the_order_of_file_names(folder):
    """As `sorted` has 1ABC-AA_model1.pdb before 1ABC-A_model1.pdb."""
    first, second = ECSequences(str(folder)).chains[:2]
    for path in (folder / "EnzymeCommission").iterdir():
        path.write_bytes(path.read_bytes().replace(second.encode(), f"{first}A".encode()))
    dataset = ECSequences(str(folder))
    assert dataset.chains[:2] == [f"{first}A", first]
    named = files.chains()
    assert dataset.sequences[:2] == [named[second], named[first]]


def test_a_list_of_chains_to_keep(folder, tmp_path):
    whole = ECSequences(str(folder))
    kept = whole.chains[::2]
    (tmp_path / "chains.txt").write_bytes("\r\n".join(kept).encode("utf-8-sig"))
    part = ECSequences(str(folder), chains=str(tmp_path / "chains.txt"))
    assert part.chains == kept
    assert part.sequences == whole.sequences[::2]


def test_chains_to_keep_that_no_list_has_are_told(folder, tmp_path, caplog):
    whole = ECSequences(str(folder))
    kept, first = whole.chains[1:], whole.chains[0]
    (tmp_path / "chains.txt").write_text("\n".join([*kept, first.replace("-", "_"), "9ZZZ-A"]))
    assert ECSequences(str(folder), chains=str(tmp_path / "chains.txt")).chains == kept
    assert f"chains.txt: 2 of {len(kept) + 2} chains are in none of the lists in" in caplog.text
    assert "9ZZZ-A" in caplog.text


def test_terms_without_a_chain_in_training_are_counted(folder, caplog):
    targets = torch.stack([item["targets"] for item in ECSequences(str(folder)).split()[0]])
    before = int((targets.sum(0) == 0).sum())
    path = folder / "EnzymeCommission" / "nrPDB-EC_annot.tsv"
    path.write_text(path.read_text().replace("4.2.1.1\n", "4.2.1.1\t9.9.9.9\n", 1))
    assert len(ECSequences(str(folder)).tasks) == 5
    assert f"{1 + before} of 5 labels have no protein in training: 9.9.9.9" in caplog.text
