"""Finds accessions that come with more than one sequence, among any number of entries."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry
from protclip_td.protanno.frames import read_frame

# There are at most 2 ** this ranges of accessions, each looked through by itself.
_RANGE_BITS = 7

_RECORD = np.dtype([("accession", "<u8"), ("digest", "<u8"), ("staged", "?")])
_NO_ACCESSION = re.compile(r"line \d+")  # what readers call entries of files without accessions


def range_bits(coarse: int) -> int:
    """Logarithm of the number of ranges, for inputs that are cut into 2 ** `coarse` buckets."""
    return min(_RANGE_BITS, coarse + 1)


def accession_frames(
    entries: Iterable[Entry], digests: Iterable[int], staged: Iterable[bool], bits: int
) -> Iterator[tuple[str, bytes]]:
    """Hashes of accessions and sequences, by range of the former.

    Parameters:
        entries (iterable of Entry): in the order of the input, which is kept in each range
        digests (iterable of int): hashes of their sequences
        staged (iterable of bool): whether they go on to `select`
        bits (int): there are 2 ** bits ranges
    """
    pairs = [
        (text_digest(entry.accession), digest, goes_on)
        for entry, digest, goes_on in zip(entries, digests, staged)
        if not _NO_ACCESSION.fullmatch(entry.accession)
    ]
    records = np.array(pairs, dtype=_RECORD)
    ranges = records["accession"] >> np.uint64(64 - bits) if bits else np.zeros(len(records), int)
    for number in np.unique(ranges).tolist():
        yield _key(number), records[ranges == number].tobytes()


def _key(number: int) -> str:
    return f"accessions-{number}"


def find_repeated(paths: Sequence[Path], number: int) -> list[tuple[int, int, int]]:
    """Entries of a range whose accession came before with another sequence, if they were staged.

    Parameters:
        paths (sequence of Path): files of frames in the order of the input
        number (int): which range

    Returns:
        list of (int, int, int): hashes of accession and sequence, and the place in `paths` of the
        file that the entry is in; one for each, the places of a pair in their order
    """
    frames = [read_frame(path, _key(number)) for path in paths]
    records = np.frombuffer(b"".join(frames), dtype=_RECORD)
    _, first, same = np.unique(records["accession"], return_index=True, return_inverse=True)
    is_other = records["digest"] != records["digest"][first[same]]
    late = np.flatnonzero(is_other & records["staged"])
    ends = np.cumsum([len(frame) // _RECORD.itemsize for frame in frames])
    places = np.searchsorted(ends, late, side="right")
    columns = (records["accession"][late], records["digest"][late], places)
    return list(zip(*(column.tolist() for column in columns)))
