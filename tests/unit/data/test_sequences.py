"""Sequences by accession from FASTA and flat files."""

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
    path = write(tmp_path / "some.csv", "Entry,Sequence\nP1,MKT\n")
    with pytest.raises(InputError, match="begins with 'Entry,Sequence'; expected a FASTA file"):
        read_sequences(path)
