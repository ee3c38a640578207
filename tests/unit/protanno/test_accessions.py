"""Accessions that come with more than one sequence, found by hashes alone."""

import pytest

from protclip_td.data.entry import Entry
from protclip_td.protanno.accessions import (
    accession_frames,
    find_repeated,
    range_bits,
    text_digest,
)
from protclip_td.protanno.frames import write_frames


def entry(accession, sequence):
    return Entry(accession, sequence, ("x", "", "", ""), 1)


@pytest.mark.parametrize("bits", [0, 3])
def test_repeated_accessions_are_found(tmp_path, bits):
    one = [entry("A", "MK"), entry("B", "MA"), entry("line 3", "MC"), entry("A", "MK")]
    two = [entry("B", "MA"), entry("A", "MD"), entry("line 3", "ME"), entry("A", "MK")]
    paths = [tmp_path / "1", tmp_path / "2"]
    for path, entries in zip(paths, (one, two)):
        digests = [text_digest(e.sequence) for e in entries]
        write_frames(path, accession_frames(entries, digests, bits))
    found = [pair for number in range(1 << bits) for pair in find_repeated(paths, number)]
    assert found == [(text_digest("A"), text_digest("MD"), 1)]


def test_small_inputs_have_few_ranges():
    assert [range_bits(coarse) for coarse in (0, 3, 6, 20)] == [1, 4, 7, 7]
