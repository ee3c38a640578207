"""Damaged entries: each is read or rejected with a reason, and its neighbours stay as they are."""

import gzip
import random
from collections import Counter

import pytest
from written_entries import HEADER, WRITE

from protclip_td.data.entry import Entry
from protclip_td.data.reading.chunks import RawChunk, parse_chunk
from protclip_td.data.reading.formats import Format
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.reading.readers import read_pairs
from protclip_td.errors import InputError

OPTIONS = ReadOptions(confidence=3)
MUTANTS = {
    Format.FLAT_FILE: 2500,
    Format.XML: 1000,
    Format.FASTA: 500,
    Format.TSV: 500,
    Format.JSON_LINES: 500,
}
LEFT, RIGHT = (
    Entry(name, "MKWV", ("", f"{name} neighbour.", "", ""), 1, True) for name in ("LEFT", "RIGHT")
)


def drop_bytes(data, generator):
    begin = generator.randrange(len(data))
    return data[:begin] + data[begin + generator.choice((1, 2, 7, 60, 600)) :]


def change_bytes(data, generator):
    changed = bytearray(data)
    for _ in range(generator.choice((1, 3, 30))):
        changed[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(changed)


def swap_lines(lines, generator):
    first, second = generator.randrange(len(lines)), generator.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def double_lines(lines, generator):
    begin = generator.randrange(len(lines))
    end = begin + generator.choice((1, 1, 3, 10))
    return lines[:end] + lines[begin:]


def drop_lines(lines, generator):
    begin = generator.randrange(len(lines))
    return lines[:begin] + lines[begin + generator.choice((1, 2, 10)) :]


def mutate(kind, record, generator):
    """A damaged record. Fields stand for lines in formats of one line."""
    change = generator.choice((drop_bytes, change_bytes, swap_lines, double_lines, drop_lines))
    if change in (drop_bytes, change_bytes):
        mutant = change(record, generator)
    else:
        mark = {Format.TSV: b"\t", Format.JSON_LINES: b","}.get(kind, b"\n")
        end = b"" if mark == b"\n" else b"\n"
        mutant = mark.join(change(record.removesuffix(end).split(mark), generator)) + end
    # Without length and closing mark, nothing tells what a lost border did to the neighbour.
    if kind is Format.FASTA and mutant:
        mutant = b">" + mutant.lstrip(b">") + b"\n"
    if kind is Format.TSV:
        mutant += b"\n"
    return mutant


@pytest.fixture(scope="module")
def originals(sample_path, sample_entries):
    """Real entries in every format."""
    texts = gzip.decompress(sample_path.read_bytes()).split(b"\n//\n")
    made = {kind: [write(e).encode() for e in sample_entries] for kind, write in WRITE.items()}
    return made | {Format.FLAT_FILE: [text + b"\n//\n" for text in texts if text.strip()]}


def parse(kind, data):
    header = HEADER.encode() if kind is Format.TSV else b""
    return parse_chunk(RawChunk(kind, header, data, 0, 1, len(data)), OPTIONS)


@pytest.mark.parametrize("kind", list(Format), ids=lambda kind: kind.name)
def test_every_mutant_is_read_or_rejected_and_its_neighbours_are_read(kind, originals):
    generator = random.Random(f"mutants of {kind.name}")
    left, right = (WRITE[kind](entry).encode() for entry in (LEFT, RIGHT))
    expected_left, expected_right = parse(kind, left + right).entries
    outcomes = Counter()
    for number in range(MUTANTS[kind]):
        mutant = mutate(kind, generator.choice(originals[kind]), generator)
        entries, rejections = parse(kind, left + mutant + right)
        assert entries[0] == expected_left, number
        assert all(rejection.where and rejection.reason for rejection in rejections)
        between = entries[1:]
        if between and between[-1] == expected_right:
            between.pop()
        else:
            # The border itself is gone, and with it where the neighbour begins.
            assert rejections, number
            outcomes["neighbour rejected"] += 1
        for entry in between:
            assert entry.sequence != RIGHT.sequence, number
            assert "LEFT" not in entry.biotext, number
            assert "RIGHT" not in entry.biotext, number
        outcomes["read"] += bool(between)
        outcomes["rejected"] += bool(rejections)
        assert between or rejections or not mutant.strip(), number
    assert outcomes["read"] > 0.1 * MUTANTS[kind]
    assert outcomes["rejected"] > 0.1 * MUTANTS[kind]
    assert outcomes["neighbour rejected"] < 0.1 * MUTANTS[kind]


def test_any_damage_to_a_gzip_file_is_noticed(tmp_path, originals):
    generator = random.Random("gzip")
    whole = gzip.compress(b"".join(originals[Format.FLAT_FILE][:20]), 1)
    path = tmp_path / "damaged.dat.gz"
    for _ in range(100):
        damaged = generator.choice((drop_bytes, change_bytes))(whole, generator)
        path.write_bytes(damaged)
        if not gzip_reads(damaged):
            with pytest.raises(InputError, match=r"damaged\.dat\.gz"):
                list(read_pairs(path))


def gzip_reads(data):
    """Whether Python's own reader sees no damage, such as in the header's time stamp."""
    try:
        return bool(gzip.decompress(data))
    except (OSError, EOFError, ValueError, gzip.zlib.error):
        return False
