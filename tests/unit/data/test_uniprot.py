"""The flat-file reader: against Biopython on real entries, and on damaged files."""

import gzip
import re

import pytest
from Bio import SwissProt

from protclip_td.data.reading.readers import read_pairs
from protclip_td.errors import InputError

ENTRY = """\
ID   TEST_HUMAN              Reviewed;          12 AA.
AC   P00001; Q00001;
DE   RecName: Full=Test protein;
CC   -!- FUNCTION: Binds 5-
CC       hydroxytryptamine. Found in alpha-
CC       and beta-cells {ECO:0000269|PubMed:1,
CC       ECO:0000305}. Acts on A -
CC       B.
CC   -!- TISSUE SPECIFICITY: Brain.
CC   -!- FUNCTION: [Isoform 2]: None.
CC   -!- SIMILARITY: Belongs to the test family.
CC   -----------------------------------------------------------------------
CC   Copyrighted by the UniProt Consortium
CC   -----------------------------------------------------------------------
PE   3: Inferred from homology;
SQ   SEQUENCE   12 AA;  1234 MW;  0123456789ABCDEF CRC64;
     MKTAYIAKQR QI
//
"""


@pytest.fixture(scope="module")
def records(sample_path):
    with gzip.open(sample_path, "rt") as file:
        return list(SwissProt.parse(file))


def names_by_biopython(description):
    """UniProt's "Protein names" column from Biopython's one-line description, told anew."""
    marks = r"(Includes|Contains|Flags): |(\w+)=(.+?);(?= |$)|(Fragments?);"
    head, blocks, fragment = [], [], ""
    names = head
    for block, field, value, flag in re.findall(marks, description):
        if block in ("Includes", "Contains"):
            names = []
            blocks.append(("Includes" if block == "Includes" else "Cleaved into", names))
        elif field:
            names.append({"EC": "EC ", "CD_antigen": "CD antigen "}.get(field, "") + value)
        elif flag:
            fragment = f" ({flag})"
    text = head[0] + "".join(f" ({name})" for name in head[1:])
    for title in dict.fromkeys(title for title, _ in blocks):
        inside = [n[0] + "".join(f" ({x})" for x in n[1:]) for t, n in blocks if t == title]
        text += f" [{title}: {'; '.join(inside)}]"
    return text + fragment


def unwrapped(text):
    """Biopython joins all lines by a space, also those wrapped inside a word."""
    return re.sub(r"(?<=[^\s-]-) (?!and |or |to )", "", text)


def test_every_sample_entry_agrees_with_biopython(sample_entries, records):
    assert len(sample_entries) == len(records) == 209
    for entry, record in zip(sample_entries, records):
        assert entry.accession == record.accessions[0]
        assert entry.sequence == record.sequence
        assert entry.confidence == record.protein_existence
        assert entry.reviewed == (record.data_class == "Reviewed")
        assert entry.properties[0] == names_by_biopython(record.description)
        for text, topic in zip(entry.properties[1:], ("FUNCTION", "SUBCELLULAR LOCATION",
                                                      "SIMILARITY")):  # fmt: skip
            comments = [c.split(": ", 1)[1] for c in record.comments if c.startswith(topic + ":")]
            assert unwrapped(text) == unwrapped(" ".join(comments))


def test_no_copyright_line_leaks_into_a_biotext(sample_entries):
    for entry in sample_entries:
        assert "Copyright" not in entry.biotext
        assert "----" not in entry.biotext
        assert "  " not in entry.biotext


def test_fields_of_one_entry(read):
    (entry,), rejected = read(ENTRY)
    assert not rejected
    assert (entry.accession, entry.confidence, entry.reviewed) == ("P00001", 3, True)
    assert entry.sequence == "MKTAYIAKQRQI"
    assert entry.properties == (
        "Test protein",
        "Binds 5-hydroxytryptamine. Found in alpha- and beta-cells. Acts on A - B. "
        "[Isoform 2]: None.",
        "",
        "Belongs to the test family.",
    )
    assert entry.coverage == 3


@pytest.mark.parametrize(
    ("wrapped", "text"),
    [("5-|to 10-fold", "5- to 10-fold"), ("alpha-|or beta", "alpha- or beta"),
     ("alpha-|toxin", "alpha-toxin"), ("a or|to b", "a or to b")],
)  # fmt: skip
def test_a_line_that_ends_in_a_hyphen_goes_on_with_its_word(read, wrapped, text):
    lines = wrapped.replace("|", "\nCC       ")
    (entry,), _ = read(ENTRY.replace("[Isoform 2]: None.", lines))
    assert entry.properties[1].endswith(f"B. {text}")


def test_evidence_tags_can_be_kept(read):
    (entry,), _ = read(ENTRY, keep_evidence=True)
    assert "beta-cells {ECO:0000269|PubMed:1, ECO:0000305}." in entry.properties[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n\n" + text + "\n",
        lambda text: text.rstrip("\n"),  # the last // without a line break
    ],
)
def test_line_ends_and_blank_lines_do_not_matter(read, change):
    assert read(change(ENTRY)) == read(ENTRY)


def test_gzip_is_told_by_content_not_by_name(read, sample_path, sample_entries):
    entries, _ = read(sample_path.read_bytes())
    assert entries == sample_entries


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ("     MKTAYIAKQR QI\n", "", "no sequence", ""),
        ("MKTAYIAKQR QI", "MKTAYIAKQR Q*", "letters that are no residues", "'*'"),
        ("MKTAYIAKQR QI", "mktayiakqr qi", "letters that are no residues", "'aikmqrty'"),
        ("MKTAYIAKQR QI", "MKTAYIAKQR", "sequence length contradicts the header",
         "10 residues, the header says 12"),
        ("SQ   SEQUENCE   12 AA", "SQ   SEQUENCE   5 AA", "sequence length contradicts the header",
         "12 residues, the header says 5"),
        ("12 AA.", "13 AA.", "sequence length contradicts the header",
         "12 residues, the header says 13"),
        ("PE   3: Inferred from homology;\n", "", "no protein existence", "no PE line"),
        ("PE   3", "PE   9", "unknown protein existence", "9"),
        ("ID   TEST_HUMAN ", "XX   TEST_HUMAN ", "no ID line", ""),
        ("Test protein", "Test prot\udcffein", "not UTF-8", "0xff"),
    ],
)  # fmt: skip
def test_bad_entries_are_rejected_and_their_neighbours_read(read, old, new, reason, detail):
    bad = ENTRY.replace(old, new).replace("P00001", "P00002")
    text = ENTRY + bad + ENTRY.replace("P00001", "P00003")
    entries, (rejection,) = read(text.encode(errors="surrogateescape"))
    assert [entry.accession for entry in entries] == ["P00001", "P00003"]
    assert (rejection.where, rejection.reason) == ("P00002", reason)
    assert detail in rejection.detail


def test_an_entry_without_any_property_is_rejected(read):
    text = "".join(line for line in ENTRY.splitlines(True) if line[:2] not in ("DE", "CC"))
    assert read(text) == ([], [("P00001", "no property", "")])


def test_an_entry_without_accession_is_named_by_its_line(read):
    bad = ENTRY.replace("AC   P00001; Q00001;\n", "").replace("AYIAKQR", "---")
    _, (rejection,) = read(ENTRY + bad)
    assert rejection.where == f"line {ENTRY.count(chr(10)) + 1}"


@pytest.mark.parametrize(("status", "reviewed"), [("STANDARD", True), ("PRELIMINARY", False)])
def test_old_files_take_the_confidence_that_is_given(read, status, reviewed):
    old = ENTRY.replace("PE   3: Inferred from homology;\n", "")
    (entry,), _ = read(old.replace("Reviewed;", f"{status};      PRT;"), confidence=2)
    assert (entry.confidence, entry.stated, entry.reviewed) == (2, False, reviewed)


def test_an_entry_without_its_end_does_not_swallow_the_next(read):
    cut = ENTRY[: ENTRY.index("PE   3")]
    entries, (rejection,) = read(cut + ENTRY.replace("P00001", "P00002"))
    assert [entry.accession for entry in entries] == ["P00002"]
    assert rejection == ("P00001", "cut in the middle", "no // line")


def test_two_entries_in_one_are_no_entry(read):
    """The end of the first and the beginning of the second have run into one line."""
    entries, (rejection,) = read(ENTRY.rstrip("\n") + ENTRY.replace("P00001", "P00002"))
    assert not entries
    assert (rejection.where, rejection.reason) == ("P00001", "letters that are no residues")


def read_until_error(path):
    """The entries given before the error, and the error's message."""
    entries = []
    with pytest.raises(InputError) as error:
        entries.extend(read_pairs(path))  # extend keeps what came before the error
    return entries, str(error.value)


def test_a_file_cut_in_an_entry_gives_the_whole_ones_and_says_where(tmp_path):
    path = tmp_path / "cut.dat"
    path.write_text(ENTRY + ENTRY.replace("P00001", "P00002")[:200])
    entries, message = read_until_error(path)
    assert [entry.accession for entry in entries] == ["P00001"]
    assert re.search(r"cut\.dat: it ends in the middle of entry P00002; 1 whole", message)
    assert "last accession is P00001" in message


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_gzip_gives_what_was_read_and_says_where(
    tmp_path, sample_path, sample_entries, share
):
    path = tmp_path / "cut.dat.gz"
    whole = sample_path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    entries, message = read_until_error(path)
    assert len(entries) > share * 150
    assert entries == sample_entries[: len(entries)]
    assert "cut.dat.gz: the gzip file is cut off" in message
    assert f"last accession is {entries[-1].accession}" in message


def test_a_corrupt_gzip_is_named(tmp_path, sample_path):
    path = tmp_path / "bad.dat.gz"
    data = bytearray(sample_path.read_bytes())
    data[500_000:500_100] = bytes(100)
    path.write_bytes(data)
    assert "the gzip file is damaged" in read_until_error(path)[1]


def test_missing_empty_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.dat: no such file"):
        read_pairs(tmp_path / "nothing.dat")
    with pytest.raises(InputError, match="not a file"):
        read_pairs(tmp_path)
    (tmp_path / "empty.dat").touch()
    with pytest.raises(InputError, match="the file is empty"):
        read_pairs(tmp_path / "empty.dat")
