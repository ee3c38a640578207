"""Other formats than the flat file: told apart by content, columns by name, rejections as data."""

import bz2
import gzip
import json
import lzma

import pytest

from protclip_td.data.reading.readers import read_pairs
from protclip_td.errors import InputError

UNIPROT = ("Entry", "Reviewed", "Protein names", "Function [CC]", "Subcellular location [CC]",
           "Sequence similarities", "Protein existence", "Sequence")  # fmt: skip
ROW = (
    "P00001",
    "unreviewed",
    "Test protein (EC 1.2.3.4)",
    "FUNCTION: Binds DNA. {ECO:0000269|PubMed:1}.; FUNCTION: [Isoform 2]: None.",
    "SUBCELLULAR LOCATION: Nucleus {ECO:0000305}.",
    "",
    "Predicted",
    "MKTAYIAKQR",
)


def tsv(*rows):
    return "".join("\t".join(row) + "\n" for row in rows)


def test_the_flat_file_is_read_as_such(sample_path, sample_entries):
    assert list(read_pairs(sample_path)) == sample_entries


def test_json_lines_of_protclip(read, sample_entries):
    lines = [json.dumps({"seq": e.sequence, "text": e.biotext}) for e in sample_entries]
    entries, rejected = read("\n\n".join(lines), confidence=2)
    assert not rejected
    assert [e.properties for e in entries] == [e.properties for e in sample_entries]
    assert [e.sequence for e in entries] == [e.sequence for e in sample_entries]
    assert {e.confidence for e in entries} == {2}
    assert entries[1].accession == "line 3"


def test_json_lines_name_their_accession(read):
    pair = {"accession": "P1", "sequence": "mk", "text": "FUNCTION: None. {ECO:1}."}
    (entry,), _ = read(json.dumps(pair))
    assert (entry.accession, entry.sequence, entry.confidence) == ("P1", "MK", 1)
    assert not entry.stated
    assert entry.properties == ("", "None.", "", "")


def test_json_lines_as_protclip_publishes_them(read):
    """Whole fields of UniProt's TSV export behind the name: evidence tags, repeated labels."""
    text = (
        "PROTEIN NAME: Genome polyprotein [Cleaved into: Capsid protein C (Core protein); Peptide "
        "2k]. FUNCTION: [Capsid protein C]: Plays a role in virus budding (By similarity). "
        "{ECO:0000250|UniProtKB:P17763, ECO:0000269|PubMed:28592527}.; FUNCTION: [Peptide 2k]: "
        "Functions as a signal peptide. {ECO:0000250|UniProtKB:P17763}. SUBCELLULAR LOCATION: "
        "[Peptide pr]: Secreted {ECO:0000250|UniProtKB:P17763}.; SUBCELLULAR LOCATION: [Envelope "
        "protein E]: Virion membrane {ECO:0000250|UniProtKB:P17763}; Multi-pass membrane protein "
        "{ECO:0000255}. SIMILARITY: In the N-terminal section; belongs to the class I-like "
        "SAM-binding methyltransferase superfamily. {ECO:0000255|PROSITE-ProRule:PRU00924}."
    )
    (entry,), rejected = read(json.dumps({"seq": "MKNPKKK", "text": text}) + "\n")
    assert not rejected
    assert entry.properties == (
        "Genome polyprotein [Cleaved into: Capsid protein C (Core protein); Peptide 2k]",
        "[Capsid protein C]: Plays a role in virus budding (By similarity). "
        "[Peptide 2k]: Functions as a signal peptide.",
        "[Peptide pr]: Secreted. [Envelope protein E]: Virion membrane; Multi-pass membrane "
        "protein.",
        "In the N-terminal section; belongs to the class I-like SAM-binding methyltransferase "
        "superfamily.",
    )
    assert entry.biotext.startswith(
        "PROTEIN NAME: Genome polyprotein [Cleaved into: Capsid protein C (Core protein); Peptide "
        "2k]. FUNCTION: [Capsid"
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"seq": "MK", "text": "FUNCTION: x', "not JSON"),
        ("[1, 2]", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"seq": "MK", "text": "FUNCTION: \\ud800"}', "not UTF-8"),
        ('{"seq": "MK"}', "no seq or no text"),
        ('{"seq": "", "text": "FUNCTION: x"}', "no sequence"),
        ('{"seq": "M1", "text": "FUNCTION: x"}', "letters that are no residues"),
        ('{"seq": "MK", "text": "A protein of unknown use."}', "no property"),
    ],
)
def test_bad_json_lines_are_rejected_with_their_line(read, line, reason):
    good = '{"seq": "MK", "text": "FUNCTION: x"}'
    entries, (rejection,) = read(f"{good}\n{line}\n{good}\n")
    assert len(entries) == 2
    assert (rejection.where, rejection.reason) == ("line 2", reason)


def test_uniprot_tsv(read):
    (entry,), _ = read(tsv(UNIPROT, ROW))
    assert entry.accession == "P00001"
    assert (entry.confidence, entry.reviewed, entry.sequence) == (4, False, "MKTAYIAKQR")
    assert entry.properties == (
        "Test protein (EC 1.2.3.4)",
        "Binds DNA. [Isoform 2]: None.",
        "Nucleus.",
        "",
    )


def test_columns_go_by_name_not_by_number(read):
    assert read(tsv(UNIPROT[::-1], ROW[::-1])) == read(tsv(UNIPROT, ROW))


def test_older_column_names_in_any_case(read):
    header = ("ENTRY", "Status", "Protein Names", "Function", "Subcellular location",
              "Sequence similarities", "Protein existence", "sequence")  # fmt: skip
    assert read(tsv(header, ROW)) == read(tsv(UNIPROT, ROW))


def test_the_current_name_of_a_column_goes_before_an_older_one(read):
    """Whatever their order."""
    header, row = ("Function", "Status", *UNIPROT), ("FUNCTION: Old.", "reviewed", *ROW)
    assert read(tsv(header, row)) == read(tsv(UNIPROT, ROW))
    assert read(tsv(header[::-1], row[::-1])) == read(tsv(UNIPROT, ROW))


def test_a_sequence_in_lower_case_and_a_row_that_is_silent_about_its_review(read):
    (entry,), _ = read(tsv(UNIPROT, (ROW[0], "", *ROW[2:7], ROW[7].lower())))
    assert (entry.sequence, entry.reviewed) == (ROW[7], None)


def test_a_header_that_comes_again_is_no_row(read):
    """Exports that were put one after the other."""
    entries, rejected = read(tsv(UNIPROT, ROW) + "\n" + tsv(UNIPROT, ROW))
    assert (len(entries), rejected) == (2, [])


def test_an_index_column_without_a_name(read):
    (entry,), _ = read(tsv(("", *UNIPROT), ("0", *ROW)))
    assert entry.accession == "P00001"


@pytest.mark.parametrize(("length", "reasons"), [("10", []), ("1,010", ["sequence length"])])
def test_the_length_column_is_compared_with_the_sequence(read, length, reasons):
    _, rejected = read(tsv((*UNIPROT, "Length"), (*ROW, length)))
    assert [rejection.reason[:15] for rejection in rejected] == reasons


def without_existence(row):
    return (*row[:6], row[7])


def test_a_uniprot_tsv_without_protein_existence_is_refused(read):
    table = tsv(without_existence(UNIPROT), without_existence(ROW))
    with pytest.raises(InputError, match=r"missing: Protein existence.* found Entry, Rev.*--conf"):
        read(table)
    (entry,), _ = read(table, confidence=4)
    assert (entry.confidence, entry.stated) == (4, False)


def test_a_row_without_protein_existence_is_rejected(read):
    table = tsv(UNIPROT, ROW, (*ROW[:6], "", ROW[7]))
    (stated,), (rejection,) = read(table)
    assert rejection == ("line 3", "no protein existence", "none stated")
    assert stated.stated
    entries, rejected = read(table, confidence=2)
    assert [(e.confidence, e.stated) for e in entries] == [(4, True), (2, False)]
    assert not rejected


def test_evidence_tags_can_be_kept(read):
    (entry,), _ = read(tsv(UNIPROT, ROW), keep_evidence=True)
    assert entry.properties[2] == "Nucleus {ECO:0000305}."


def test_protst_tsv_with_quotes_as_pandas_writes_them(read):
    header = ("ProteinName", "Function", "SubcellularLocation", "Similarity", "Sequence")
    row = ("Test", '"Binds ""DNA""."', "", "Belongs to the test family.", "MKT")
    (entry,), _ = read(tsv(header, row), confidence=3)
    assert entry.properties == ("Test", 'Binds "DNA".', "", "Belongs to the test family.")
    assert (entry.accession, entry.confidence, entry.reviewed) == ("line 2", 3, None)


def test_protst_tsv_with_labels_inside_its_fields(read):
    header = ("ProteinName", "Function", "SubcellularLocation", "Similarity", "Sequence")
    row = (
        "14-3-3-like protein GF14 iota (General regulatory factor 12)",
        "FUNCTION: Binds DNA. {ECO:0000250}.; FUNCTION: [Isoform 2]: Binds RNA.",
        "SUBCELLULAR LOCATION: Nucleus {ECO:0000269|PubMed:17227549}. Cytoplasm.",
        "SIMILARITY: Belongs to the 14-3-3 family. {ECO:0000305}.",
        "MSSSGSDKERETFVYMAKLSEQAERYDEMVETMKKVARVNSELTVEERNLLSVGYKNVIGARRASW",
    )
    (entry,), rejected = read(tsv(header, row))
    assert not rejected
    assert (entry.confidence, entry.stated) == (1, False)
    assert entry.properties == (
        "14-3-3-like protein GF14 iota (General regulatory factor 12)",
        "Binds DNA. [Isoform 2]: Binds RNA.",
        "Nucleus. Cytoplasm.",
        "Belongs to the 14-3-3 family.",
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW[:-1], "wrong number of fields"),
        ((*ROW[:6], "Certain", ROW[7]), "unknown protein existence"),
        ((*ROW[:7], "MK-"), "letters that are no residues"),
        (("P1", "reviewed", "", "", "", "", "Predicted", "MK"), "no property"),
    ],
)
def test_bad_rows_are_rejected(read, row, reason):
    entries, (rejection,) = read(tsv(UNIPROT, ROW, row, ROW))
    assert len(entries) == 2
    assert rejection.reason == reason


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Entry\tLength", r"missing: Sequence and at least one of Protein.*; found Entry, Length"),
        ("Entry\tFunction [CC]", r"missing: Sequence; found Entry, Function \[CC\]"),
        ("Sequence\tGene", "missing: at least one of Protein names or ProteinName, .*; found Seq"),
    ],
)
def test_missing_columns_are_named(read, header, message):
    with pytest.raises(InputError, match=f"columns are {message}"):
        read(f"{header}\nP1\t12\n")


def test_bytes_that_are_no_utf_8_are_rejected(read):
    line = b'{"seq": "MK", "text": "FUNCTION: \xff"}\n'
    assert [r.reason for r in read(line)[1]] == ["not UTF-8"]
    row = b"Entry\tFunction\tSequence\nP1\tBinds \xff\tMK\n"
    assert [r.reason for r in read(row, confidence=1)[1]] == ["not UTF-8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<?xml version='1.0'?>\n", "XML or HTML"),
        ('[{"seq": "MK"}]', "a JSON list"),
        ("hello\n", "format is unknown; expected a UniProtKB flat file"),
        ("\n \n", "nothing in it but empty lines"),
    ],
)
def test_unknown_formats_say_what_was_seen_and_expected(read, text, message):
    with pytest.raises(InputError, match=message):
        read(text)


TABLE = "\t".join(UNIPROT) + "\n"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (bz2.compress(b"ID   A" * 999), "a bzip2 file; unpack it first"),
        (b"BZh91AY&SY\t\n", "a bzip2 file; unpack it first"),
        (lzma.compress(b"ID   A"), "an xz file; unpack it first"),
        (b"PK\x03\x04\x14\n", "a zip archive; unpack it first"),
        (gzip.compress(gzip.compress(b"ID   A")), "a gzip file; unpack it first"),
        (TABLE.encode("utf-16"), "text in UTF-16; convert it to UTF-8 first"),
        (TABLE.encode("utf-16-le"), "binary data"),
        (b"\x1b[31m\tred\xff\x80\nP1\tM\n", "binary data"),
    ],
    ids=["bzip2", "its first line", "xz", "zip", "gzip twice", "UTF-16", "without mark", "colours"],
)
def test_what_is_no_text_is_said_to_be_none(read, data, what):
    with pytest.raises(
        InputError, match=f"no text in UTF-8, but {what}. Expected .*gzip, in UTF-8"
    ) as error:
        read(data)
    assert str(error.value).isprintable()
    assert "\ufffd" not in str(error.value)


def test_truncated_gzip_keeps_whole_lines(tmp_path):
    lines = [json.dumps({"seq": "MK" * n, "text": f"FUNCTION: {n}"}) for n in range(1, 2000)]
    whole = gzip.compress("\n".join(lines).encode())
    path = tmp_path / "pairs.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    entries = []
    with pytest.raises(InputError, match=r"pairs\.jsonl\.gz: the gzip file is cut off") as error:
        entries.extend(read_pairs(path))  # extend keeps what came before the error
    assert len(entries) > 100
    assert f"last accession is line {len(entries)}" in str(error.value)
