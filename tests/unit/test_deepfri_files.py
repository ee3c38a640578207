"""Files of EC and GO that are damaged, cut or do not fit together."""

import downstream_files as files
import pytest

from protclip_td.data.digests import md5_of
from protclip_td.data.outside.vouched import keep_md5
from protclip_td.datasets import ECSequences, GOSequences
from protclip_td.datasets.deepfri_files import ChainFiles
from protclip_td.errors import InputError

# What `conftest.py` takes away from the short files of tests.
LEAST, SIZES = ChainFiles.least, ChainFiles.sizes


@pytest.fixture
def folder(tmp_path):
    files.make_ec(tmp_path / "data")
    files.make_go(tmp_path / "data")
    return tmp_path / "data"


def edit(folder, name, old, new, count=1):
    path = folder / "EnzymeCommission" / name
    path.write_text(path.read_text().replace(old, new, count), errors="surrogateescape")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("nrPDB-EC_annot.tsv", "### EC", "EC", "is no annotation file of DeepFRI: expected '### E"),
        ("nrPDB-EC_annot.tsv", "1.1.1.-", "1.1.-.-", "terms 1.1.1.- are not in the file's"),
        ("nrPDB-EC_annot.tsv", "1.1.1.-\t", "1.1.1.-\t" * 2, "list of terms has '1.1.1.-' 2 times"),
        ("nrPDB-EC_annot.tsv", "4.2.1.1\n", "4.2.1.1\t\n", "has '' 1 times; expected each term on"),
        ("nrPDB-EC_annot.tsv", "1Z00-A", "9ZZZ-A", "are in none of the lists, such as 9ZZZ-A"),
        ("nrPDB-EC_sequences.fasta", "1Z00-A", "9ZZZ-A", r"no sequence of 1 chains .*: 1Z00-A\."),
        ("nrPDB-EC_sequences.fasta", " nrPDB\n", " nrPDB\n-", "letters '-' are no residues"),
        ("nrPDB-EC_test.csv", ",0,0,1,1,", ",0,0,1,", r"has 5 cells; expected a chain and a flag"),
        ("nrPDB-EC_test.csv", ",0,0,1,1,1", ",0,0,1,1,", r"has 5 cells; expected a chain and"),
        ("nrPDB-EC_test.csv", ",0,0,1,1,1", ",0,0,1,2,1", r"row \[.* has '2'; expected 0 or 1 for"),
        ("nrPDB-EC_test.csv", ",0,0,1,1,1", ",-,0,1,1,1", r"row \[.* has '-'; expected 0 or 1 for"),
        ("nrPDB-EC_annot.tsv", "1.1.1.-", "1" * 200_000, "annot.tsv is damaged .*field larger"),
        ("nrPDB-EC_train.txt", "\n", "\udcff\n", r"train.txt is damaged or no text .*decode byte"),
    ],
)
def test_files_that_do_not_fit_together(folder, name, old, new, message):
    edit(folder, name, old, new)
    with pytest.raises(InputError, match=message):
        ECSequences(str(folder))


@pytest.mark.parametrize("num_line", range(13))
def test_annotations_of_go_without_chains_or_cut_before(folder, num_line):
    """The third branch has the lines 9 to 12."""
    (path,) = (folder / "GeneOntology").glob("*_annot.tsv")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:num_line]) or "\n")
    message = "no annotation file of DeepFRI" if num_line < 12 else "no annotation of chains"
    with pytest.raises(InputError, match=message):
        GOSequences(str(folder), branch="CC")


def test_terms_of_go_that_are_listed_twice(folder):
    (path,) = (folder / "GeneOntology").glob("*_annot.tsv")
    path.write_text(path.read_text().replace("GO:0005737\t", "GO:0005737\t" * 2, 1))
    with pytest.raises(InputError, match="list of terms has 'GO:0005737' 2 times"):
        GOSequences(str(folder), branch="CC")


def test_annotations_of_ec_are_none_of_go(folder):
    (path,) = (folder / "GeneOntology").glob("*_annot.tsv")
    path.write_bytes((folder / "EnzymeCommission" / "nrPDB-EC_annot.tsv").read_bytes())
    with pytest.raises(InputError, match="no annotation file of DeepFRI: expected '### GO-terms'"):
        GOSequences(str(folder))


def test_a_chain_without_an_annotation(folder):
    path = folder / "EnzymeCommission" / "nrPDB-EC_annot.tsv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("1Z00-A")))
    with pytest.raises(InputError, match="no annotation of chains 1Z00-A"):
        ECSequences(str(folder))


def test_lists_with_a_mark_and_windows_line_ends(folder):
    before = ECSequences(str(folder)).chains
    for name in ("train.txt", "valid.txt", "test.csv", "annot.tsv"):
        path = folder / "EnzymeCommission" / f"nrPDB-EC_{name}"
        content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + content)
    assert ECSequences(str(folder)).chains == before


@pytest.mark.parametrize("name", ["train.txt", "test.csv", "annot.tsv", "sequences.fasta"])
def test_files_in_utf_16(folder, name):
    path = folder / "EnzymeCommission" / f"nrPDB-EC_{name}"
    path.write_bytes(path.read_text().encode("utf-16"))
    with pytest.raises(InputError, match=rf"{name}: no text in UTF-8, but text in UTF-16; convert"):
        ECSequences(str(folder))


def test_chains_to_keep_in_utf_16(folder, tmp_path):
    (tmp_path / "chains.txt").write_bytes("1Z00-A\n".encode("utf-16"))
    with pytest.raises(
        InputError, match=r"chains\.txt: no text in UTF-8, but text in UTF-16; conv"
    ):
        ECSequences(str(folder), chains=str(tmp_path / "chains.txt"))


def test_flags_that_are_written_as_fractions(folder):
    before = ECSequences(str(folder)).chains
    path = folder / "EnzymeCommission" / "nrPDB-EC_test.csv"
    path.write_text(path.read_text().replace(",0", ",0.0").replace(",1", ", 1.0"))
    assert ECSequences(str(folder)).chains == before


@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_a_chain_that_is_listed_twice_counts_once(folder, caplog, name):
    before = ECSequences(str(folder)).chains
    (path,) = folder.glob(f"EnzymeCommission/nrPDB-EC_{name}.*")
    last = path.read_text().splitlines(keepends=True)[-1]
    path.write_text(path.read_text() + last)
    assert ECSequences(str(folder)).chains == before
    chain = last.strip().partition(",")[0]
    assert f"1 {name} chains are listed more than once and count once: {chain}" in caplog.text


@pytest.mark.parametrize(
    ("early", "late"), [("train", "test"), ("train", "valid"), ("valid", "test")]
)
def test_a_chain_in_two_lists_is_in_the_later_split_only(folder, caplog, early, late):
    """What is tested on is no part of training, whatever the cut-off says of it."""
    before = ECSequences(str(folder)).chains
    (path,) = folder.glob(f"EnzymeCommission/nrPDB-EC_{late}.*")
    found = [line.partition(",")[0] for line in path.read_text().splitlines()][1:3]
    path = folder / "EnzymeCommission" / f"nrPDB-EC_{early}.txt"
    path.write_text(path.read_text() + "".join(f"{chain}\n" for chain in found))
    assert ECSequences(str(folder)).chains == before
    assert f"2 chains are taken out of {early}, being in the list of a later split" in caplog.text


def test_of_several_lines_of_a_chain_the_last_counts_as_in_torchdrug(folder, caplog):
    dataset = ECSequences(str(folder))
    chain = dataset.chains[0]
    path = folder / "EnzymeCommission" / "nrPDB-EC_annot.tsv"
    path.write_text(path.read_text() + f"{chain}\t1.1.1.-,2.7.11.1,4.2.1.1\n{chain}\t2.7.11.1\n")
    targets = ECSequences(str(folder))[0]["targets"]
    assert [dataset.tasks[i] for i in targets.nonzero().flatten()] == ["2.7.11.1"]
    assert (
        f"the last of several lines counts, as in TorchDrug, for 1 chains: {chain}" in caplog.text
    )


@pytest.mark.parametrize(("name", "size"), [("train.txt", 16), ("valid.txt", 4), ("test.csv", 8)])
def test_half_a_list_is_not_used(folder, monkeypatch, name, size):
    split = name.partition(".")[0]
    monkeypatch.setattr(ChainFiles, "least", {"nrPDB-EC": {split: size}})
    assert len(ECSequences(str(folder))) == 27
    path = folder / "EnzymeCommission" / f"nrPDB-EC_{name}"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    message = (
        f"list of {split} chains is not whole, with {size - 1} chains; expected {size} or more"
    )
    with pytest.raises(InputError, match=message):
        ECSequences(str(folder))


LISTS = ("train.txt", "valid.txt", "test.csv")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_lacks_the_last_chain_is_told_from_the_annotations(folder, name):
    """Where no number of chains is known."""
    assert len(ECSequences(str(folder))) == 27
    path = folder / "EnzymeCommission" / f"nrPDB-EC_{name}"
    *lines, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines))
    chain = last.strip().partition(",")[0]
    message = rf"1 of 28 annotated chains are in none of .*, such as {chain}, so one .*{path.name}"
    with pytest.raises(InputError, match=message):
        ECSequences(str(folder))


@pytest.mark.parametrize("unlisted", [1, 2])
def test_a_few_annotated_chains_in_no_list_are_told_and_many_stop(
    tmp_path, monkeypatch, caplog, unlisted
):
    """One of 112 is less than 1 %."""
    monkeypatch.setattr(files, "SIZES", (64, 16, 32))
    files.make_ec(tmp_path)
    path = tmp_path / "EnzymeCommission" / "nrPDB-EC_train.txt"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[unlisted:]))
    if unlisted == 2:
        with pytest.raises(InputError, match="2 of 112 annotated chains are in none of the lists"):
            ECSequences(str(tmp_path))
    else:
        assert len(ECSequences(str(tmp_path)).split()[0]) == len(lines) - 1
        first = lines[0].strip()
        assert f"1 of 112 annotated chains are in none of the lists, such as {first}" in caplog.text


def test_lists_that_someone_vouches_for_are_used(folder, caplog):
    lists = [folder / "EnzymeCommission" / f"nrPDB-EC_{name}" for name in LISTS]
    lines = lists[0].read_text().splitlines(keepends=True)
    lists[0].write_text("".join(lines[:-1]))
    for path in lists[:2]:
        keep_md5(path, md5_of(path))
    message = r"so one of \['nrPDB-EC_test.csv'\] may be cut.*md5sum nrPDB-EC_test.csv > "
    with pytest.raises(InputError, match=message):
        ECSequences(str(folder))
    keep_md5(lists[2], md5_of(lists[2]))
    assert len(ECSequences(str(folder))) == 26
    assert f"in none of the lists, such as {lines[-1].strip()}" in caplog.text
    lists[0].write_text("".join(lines[:-2]))
    with pytest.raises(InputError, match=r"nrPDB-EC_train.txt is there, but it is damaged"):
        ECSequences(str(folder))


@pytest.mark.parametrize("name", ["train.txt", "valid.txt", "sequences.fasta"])
def test_files_cut_in_the_last_line_are_not_used(folder, name):
    path = folder / "EnzymeCommission" / f"nrPDB-EC_{name}"
    path.write_text(path.read_text()[:-2])
    with pytest.raises(InputError, match=rf"{name}: its last line has no end, so it may be cut"):
        ECSequences(str(folder))


def test_test_sequences_of_another_size_are_not_used(folder, monkeypatch):
    """By hand or not: their size is known."""
    path = folder / "EnzymeCommission" / "nrPDB-EC_sequences.fasta"
    records = path.read_text().split(">")[1:]
    path.write_text("".join(f">{record}" for record in records[:20]))
    test = path.with_name("nrPDB-EC_2020.04_test_sequences.fasta")
    test.write_text("".join(f">{record}" for record in records[20:]))
    monkeypatch.setattr(ChainFiles, "sizes", SIZES)
    with pytest.raises(InputError, match=r"incomplete, with [\d,]+ of 617,149 bytes"):
        ECSequences(str(folder))


def test_lists_have_at_least_torchdrugs_chains():
    for prefix, ours in (("nrPDB-EC", ECSequences), ("nrPDB-GO", GOSequences)):
        assert ", ".join(f"{size:,}" for size in LEAST[prefix].values()) in ours.__doc__


def test_an_empty_split(folder):
    (folder / "EnzymeCommission" / "nrPDB-EC_valid.txt").write_text("\n")
    with pytest.raises(InputError, match="split 'valid' has no chain"):
        ECSequences(str(folder))


def test_wrong_arguments(folder, tmp_path):
    with pytest.raises(InputError, match=r"test_cutoff: 0.9 given; expected one of 0.3"):
        ECSequences(str(folder), test_cutoff=0.9)
    with pytest.raises(InputError, match=r"branch: 'MF' given; EC numbers have none"):
        ECSequences(str(folder), branch="MF")
    with pytest.raises(InputError, match=r"branch: 'XX' given; expected one of MF, BP, CC"):
        GOSequences(str(folder), branch="XX")
    with pytest.raises(InputError, match=r"chains: .*no such file; expected one chain per line"):
        ECSequences(str(folder), chains=str(tmp_path / "chains.txt"))


def test_a_missing_file_says_where_it_is_from(tmp_path, monkeypatch):
    monkeypatch.setattr("protclip_td.datasets.deepfri_files.URL", "file:///nowhere/")
    with pytest.raises(InputError) as error:
        ECSequences(str(tmp_path))
    assert "file:   nrPDB-EC_2020.04_annot.tsv" in str(error.value)
    assert f"folder: {tmp_path / 'EnzymeCommission'}" in str(error.value)
