"""Sequences that a store must not hold: read from FASTA, found among entries."""

import gzip
import shutil
import tracemalloc
from random import Random

import pytest

from protclip_td.data.entry import Entry
from protclip_td.errors import InputError
from protclip_td.properties import COVERAGES
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.exclusion import Excluded, prepare
from protclip_td.protanno.selecting import select

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture
def fasta(tmp_path):
    """Excluded sequences, some in two files; their letters, stops and packing vary."""
    one, two = tmp_path / "test.fasta", tmp_path / "flip.fasta.gz"
    one.write_text("\n>sp|P1|X some name\nmk\nAA*\n>P5\nMVV\n>P2\nMCC\n")
    two.write_bytes(gzip.compress(b">P3\r\nMCC\r\n>P4\r\nMDD"))
    return [one, two]


def test_excluded_sequences_are_left_out_and_counted(tmp_path, fasta):
    records = prepare(fasta, tmp_path)
    assert [(r["name"], r["sequences"]) for r in records] == [
        ("test.fasta", 3),
        ("flip.fasta.gz", 2),
    ]
    entries = [
        Entry(f"E{i}", s, ("x", "", "", ""), 1)
        for i, s in enumerate(["MKAA", "MCC", "MDD", "MDDD", "MCC"])
    ]
    chosen = select(entries, BuildOptions(coverages=COVERAGES), Excluded(tmp_path))
    assert [e.accession for e in chosen.kept] == ["E3"]
    assert chosen.leaked == {(0, "identical"): 3, (1, "identical"): 1}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (">P2 aligned\nMK-A\n", r"test.fasta, line 4: 'P2': letters '-' are no residues.* gaps"),
        (">P2\nJJ\n", r"line 4: 'P2': letters 'J' are no residues"),
        (">P2\n\n", r"line 4: 'P2': the sequence is empty"),
    ],
)
def test_excluded_sequences_that_could_not_be_found_are_named(tmp_path, record, message):
    path = tmp_path / "test.fasta"
    path.write_text(f">P1\nMK\nMK\n{record}>P3\nMK\n")
    with pytest.raises(InputError, match=message):
        prepare([path], tmp_path)


def test_excluded_files_are_not_read_into_memory(tmp_path):
    path = tmp_path / "test.fasta"
    path.write_text("".join(f">{n}\n{'MKTAYIAKQR' * 100}{'A' * (n % 50)}\n" for n in range(8000)))
    tracemalloc.start()
    (record,) = prepare([path], tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record["sequences"] == 8000
    assert peak < path.stat().st_size


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="MMseqs2 is not installed")
def test_what_covers_an_excluded_sequence_at_the_identity_is_left_out(tmp_path):
    other, excluded, far = ("".join(Random(seed).choices(LETTERS, k=300)) for seed in range(3))
    paths = [tmp_path / "other.fasta", tmp_path / "test.fasta"]
    for path, sequence in zip(paths, (other, excluded)):
        path.write_text(f">x\n{sequence}\n")
    prepare(paths, tmp_path)
    sequences = {
        "near": excluded[:270] + far[270:],
        "inside a longer one": far + excluded + far,
        "less identical": "".join(far[i] if i % 20 < 8 else excluded[i] for i in range(300)),
        "one domain": excluded[:100] + far,
    }
    entries = [Entry(name, s, ("x", "", "", ""), 1) for name, s in sequences.items()]
    chosen = select(entries, BuildOptions(coverages=COVERAGES), Excluded(tmp_path, identity=0.8))
    assert {entry.accession for entry in chosen.kept} == {"less identical", "one domain"}
    assert chosen.leaked == {(1, "similar"): 2}


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="MMseqs2 is not installed")
def test_nothing_is_similar_to_what_mmseqs_finds_too_short(tmp_path):
    """Equal sequences are found all the same."""
    path = tmp_path / "test.fasta"
    path.write_text(">x\nMKTAYIAKQ\n")
    prepare([path], tmp_path)
    sequences = ("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDG", "MKTAYIAKQ")
    entries = [Entry(s, s, ("x", "", "", ""), 1) for s in sequences]
    chosen = select(entries, BuildOptions(coverages=COVERAGES), Excluded(tmp_path, identity=0.5))
    assert [entry.sequence for entry in chosen.kept] == [sequences[0]]


def test_other_failures_of_mmseqs_are_said(tmp_path, monkeypatch):
    program = tmp_path / "mmseqs"
    program.write_text("#!/bin/sh\necho out of memory\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    prepare([], tmp_path)
    entry = Entry("A", "MK", ("x", "", "", ""), 1)
    with pytest.raises(InputError, match="mmseqs easy-search failed with status 3: out of memory"):
        Excluded(tmp_path, identity=0.5).similar([entry])


def test_excluded_files_must_be_fasta(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text("sequence,label\nMK,1\n")
    with pytest.raises(InputError, match=r"test.csv: expected FASTA, which begins with '>'"):
        prepare([path], tmp_path)
