"""Accessions that come with more than one sequence, found by hashes alone."""

import pytest

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry
from protclip_td.protanno.accessions import accession_frames, find_repeated, range_bits
from protclip_td.protanno.frames import write_frames


def entry(accession, sequence):
    return Entry(accession, sequence, ("x", "", "", ""), 1)


def find(folder, bits, *files, dropped=()):
    """What is found in files of entries, of which some do not go on."""
    paths = [folder / str(number) for number in range(len(files))]
    for path, entries in zip(paths, files):
        digests = [text_digest(e.sequence) for e in entries]
        staged = [e not in dropped for e in entries]
        write_frames(path, accession_frames(entries, digests, staged, bits))
    return [pair for number in range(1 << bits) for pair in find_repeated(paths, number)]


@pytest.mark.parametrize("bits", [0, 3])
def test_repeated_accessions_are_found(tmp_path, bits):
    one = [entry("A", "MK"), entry("B", "MA"), entry("line 3", "MC"), entry("A", "MK")]
    two = [entry("B", "MA"), entry("A", "MD"), entry("line 3", "ME"), entry("A", "MK")]
    assert find(tmp_path, bits, one, two) == [(text_digest("A"), text_digest("MD"), 1)]


def test_the_first_of_many_is_the_first_in_the_file(tmp_path):
    """Sorting must not mix up what is equal, which no sort does with a few."""
    many = [entry("ABC"[number % 3], "M" * number) for number in range(1, 201)]
    found = {digest for _, digest, _ in find(tmp_path, 0, many)}
    assert found == {text_digest(e.sequence) for e in many[3:]}


def test_each_repetition_is_of_its_own_file(tmp_path):
    late, dropped = entry("A", "MC"), Entry("A", "MC", ("x", "", "", ""), 5)
    found = find(tmp_path, 0, [entry("A", "MA")], [late], [dropped], [late], dropped=[dropped])
    assert found == [(text_digest("A"), text_digest("MC"), place) for place in (1, 3)]


def test_small_inputs_have_few_ranges():
    assert [range_bits(coarse) for coarse in (0, 3, 6, 20)] == [1, 4, 7, 7]
