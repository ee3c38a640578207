"""Sequences by accession from FASTA and flat files."""

import gzip

import pytest

from protclip_td.data.reading.sequences import read_sequences
from protclip_td.errors import InputError


def write(path, text):
    path.write_bytes(text.encode())
    return path


def test_flat_file_is_read_as_the_sample_is(sample_path, sample_entries):
    found = read_sequences(sample_path)
    assert {e.accession: e.sequence for e in sample_entries}.items() <= found.items()
    wanted = sample_entries[3].accession
    assert read_sequences(sample_path, {wanted}) == {wanted: sample_entries[3].sequence}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_fasta(tmp_path, begin, end):
    text = f"{begin}>sp|P12345|A_HUMAN Name OS=x\nMKT\nAYI\n\n>Q2 plain\nGAV\n".replace("\n", end)
    found = read_sequences(write(tmp_path / "some.fasta", text))
    assert found == {"P12345": "MKTAYI", "Q2": "GAV"}


@pytest.mark.parametrize("sequence", ["MK*", "MK-T", "mkt", ""])
def test_gaps_stops_and_nothing(tmp_path, sequence):
    path = write(tmp_path / "some.fasta", f">P1\nMKT\n>P2\n{sequence}\n")
    with pytest.raises(
        InputError, match=r"some.fasta, line 3: P2: (letters|the sequence is empty)"
    ):
        read_sequences(path)
    assert read_sequences(path, {"P1"}) == {"P1": "MKT"}


def test_the_same_accession_twice(tmp_path):
    same = write(tmp_path / "same.fasta", ">P1\nMKT\n>P1\nMKT\n")
    assert read_sequences(same) == {"P1": "MKT"}
    other = write(tmp_path / "other.fasta", ">P1\nMKT\n>P1\nMKV\n")
    with pytest.raises(InputError, match="line 3: P1 comes twice, with different sequences"):
        read_sequences(other)


def test_another_kind_of_file(tmp_path):
    (tmp_path / "other.fasta").write_bytes(">P1\nMKT\n".encode("utf-16"))
    with pytest.raises(
        InputError, match=r"other\.fasta: no text in UTF-8, but text in UTF-16; con"
    ):
        read_sequences(tmp_path / "other.fasta")
    path = write(tmp_path / "some.csv", "Entry,Sequence\nP1,MKT\n")
    with pytest.raises(InputError, match="begins with 'Entry,Sequence'; expected a FASTA file"):
        read_sequences(path)


def entry(accessions, sequence):
    """What is read of an entry of a flat file, on two lines of accessions."""
    first, *others = accessions
    lines = f"AC   {first};\n" + "".join(f"AC   {other};\n" for other in others)
    head = f"ID   X   Reviewed;   {len(sequence)} AA.\n"
    return f"{head}{lines}SQ   SEQUENCE   {len(sequence)} AA;\n     {sequence}\n//\n"


def test_a_merged_accession_is_found_in_the_entry_that_it_was_merged_into(
    sample_path, sample_entries, caplog
):
    """Q3E711 stands behind P15455 in the real entry; asked for both, both are given."""
    text = gzip.decompress(sample_path.read_bytes()).decode()
    assert "\nAC   P15455; Q3E711;" in text
    (expected,) = (e.sequence for e in sample_entries if e.accession == "P15455")
    asked, both = {"Q3E711", "P15455", "P00000"}, {"P15455": expected, "Q3E711": expected}
    assert read_sequences(sample_path, asked, also_secondary=True) == both
    assert "1 found by a secondary accession: Q3E711" in caplog.text
    assert "Q3E711" not in read_sequences(sample_path, also_secondary=True)


def test_by_itself_an_entry_is_given_once(sample_path):
    assert [*read_sequences(sample_path, {"Q3E711", "P15455"})] == ["P15455"]


def test_the_primary_accession_wins_wherever_it_stands(tmp_path, caplog):
    for order in (1, -1):
        entries = [entry(["P1", "P2"], "MKT"), entry(["P2"], "GAV")][::order]
        path = write(tmp_path / "some.dat", "".join(entries))
        assert read_sequences(path, {"P2"}, also_secondary=True) == {"P2": "GAV"}
    assert "secondary" not in caplog.text


def test_an_accession_that_was_split_is_not_found(tmp_path):
    """Which of the two it was, the file does not say."""
    path = write(tmp_path / "a.dat", entry(["P1", "P9"], "MKT") + entry(["P2", "P9"], "GAV"))
    assert read_sequences(path, {"P9"}, also_secondary=True) == {}
    path = write(tmp_path / "b.dat", entry(["P1", "P9"], "MKT") + entry(["P2", "P9"], "MKT"))
    assert read_sequences(path, {"P9"}, also_secondary=True) == {"P9": "MKT"}


def test_letters_that_are_no_residues_under_a_secondary_accession(tmp_path):
    path = write(tmp_path / "a.dat", entry(["P1", "P9"], "MKT") + entry(["P2", "P8"], "M-T"))
    assert read_sequences(path, {"P9"}, also_secondary=True) == {"P9": "MKT"}
    with pytest.raises(InputError, match=r"a.dat, line 7: P8: letters '-' are no residues"):
        read_sequences(path, {"P8"}, also_secondary=True)
