"""Chunks: whole records, whatever their size, in any process."""

import gzip
import hashlib
import pickle
import random

import pytest
from written_entries import HEADER, as_fasta, as_json, as_row, as_xml

from protclip_td.data.reading import chunks
from protclip_td.data.reading import source as source_module
from protclip_td.data.reading.chunks import parse_chunk, raw_chunks
from protclip_td.data.reading.formats import Format, detect
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.reading.readers import read_pairs
from protclip_td.data.reading.source import DamagedSourceError
from protclip_td.errors import InputError

OPTIONS = ReadOptions()


@pytest.fixture(scope="module")
def texts(sample_path, sample_entries):
    """The sample in every format, and how many entries each has."""
    some = sample_entries[:60]
    return {
        Format.FLAT_FILE: gzip.decompress(sample_path.read_bytes()),
        Format.XML: ("<uniprot>\n" + "".join(map(as_xml, some)) + "</uniprot>\n").encode(),
        Format.FASTA: "".join(map(as_fasta, some)).encode(),
        Format.TSV: (f"{HEADER}\n" + "".join(map(as_row, some))).encode(),
        Format.JSON_LINES: "".join(map(as_json, some)).encode(),
    }


@pytest.fixture(params=list(Format), ids=lambda kind: kind.name)
def source(request, texts, tmp_path):
    """The sample in one format as a gzip file."""
    path = tmp_path / "source"
    path.write_bytes(gzip.compress(texts[request.param], 1))
    return request.param, path


@pytest.fixture
def small_pieces(monkeypatch):
    """Files are read a few lines at a time, so that chunks can be small."""
    monkeypatch.setattr(source_module, "_READ", 700)


def parse_all(pieces):
    parsed = [parse_chunk(chunk, OPTIONS) for chunk in pieces]
    return [e for p in parsed for e in p.entries], [r for p in parsed for r in p.rejections]


def test_the_format_is_told_by_content(source):
    kind, path = source
    assert detect(path) is kind


@pytest.mark.parametrize("size", [1, 5_000, 10**9])
def test_the_size_of_chunks_changes_nothing(source, texts, size, small_pieces):
    kind, path = source
    pieces = list(raw_chunks(path, size=size))
    data = b"".join(chunk.data for chunk in pieces)
    assert texts[kind].removeprefix(data).strip() in (b"", b"</uniprot>")
    entries, rejections = parse_all(pieces)
    assert not rejections
    assert len(entries) == (209 if kind is Format.FLAT_FILE else 60)
    assert entries == list(read_pairs(path))
    if size < 10**9:
        assert len(pieces) > 1


def test_each_chunk_begins_where_the_one_before_ended(source, texts, small_pieces):
    kind, path = source
    end, text = 0, texts[kind]
    for chunk in raw_chunks(path, size=1000):
        assert chunk.begin == end
        end += len(chunk.data)
        assert text[chunk.begin : end] == chunk.data
        assert chunk.first_line == text.count(b"\n", 0, chunk.begin) + 1
        assert 0 < chunk.file_bytes <= path.stat().st_size
    assert text[end:].strip() in (b"", b"</uniprot>")


def test_the_digest_is_that_of_the_file(source):
    _, path = source
    digest = hashlib.sha256()
    list(raw_chunks(path, digest=digest))
    assert digest.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_chunks_and_errors_travel_between_processes(source):
    _, path = source
    chunk = next(raw_chunks(path))
    assert parse_chunk(*pickle.loads(pickle.dumps((chunk, OPTIONS)))) == parse_chunk(chunk, OPTIONS)
    error = DamagedSourceError(path, "it is cut off")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_cut_gzip_gives_every_whole_record_and_no_other(source):
    _, path = source
    expected = list(read_pairs(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    pieces = []
    with pytest.raises(DamagedSourceError, match=f"{path}: the gzip file is cut off"):
        pieces.extend(raw_chunks(path))  # extend keeps what came before the error
    entries, rejections = parse_all(pieces)
    assert not rejections
    assert 10 < len(entries) < len(expected)
    assert entries == expected[: len(entries)]


def test_gzip_in_many_members_with_padding(source, texts):
    kind, path = source
    expected = list(read_pairs(path))
    text = texts[kind]
    members = [gzip.compress(text[i : i + 3000]) for i in range(0, len(text), 3000)]
    path.write_bytes(b"".join(members) + bytes(1000))
    assert list(read_pairs(path)) == expected


def test_a_wrong_checksum_is_noticed(tmp_path, sample_path):
    path = tmp_path / "wrong.dat.gz"
    data = bytearray(sample_path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedSourceError, match=r"damaged \(.*data check"):
        list(raw_chunks(path))


def test_a_file_without_record_ends_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "_LONGEST_RECORD", 1 << 20)
    path = tmp_path / "one.json"
    path.write_bytes(b'{"seq": "' + b"M" * (3 << 20))
    with pytest.raises(DamagedSourceError, match="no end of a record in 1 MB from line 1 on"):
        list(raw_chunks(path, size=1 << 16))


def test_titin_and_a_very_long_text_are_read(tmp_path):
    generator = random.Random(0)
    sequence = "".join(generator.choices("ACDEFGHIKLMNPQRSTVWY", k=36_000))
    text = "Binds " + "actin and " * 10_000 + "myosin."
    flat = (
        f"ID   TITIN_HUMAN             Reviewed;       {len(sequence)} AA.\nAC   Q8WZ42;\n"
        f"DE   RecName: Full=Titin;\nCC   -!- FUNCTION: {text}\nPE   1: Evidence;\n"
        f"SQ   SEQUENCE   {len(sequence)} AA;  1 MW;  0 CRC64;\n     {sequence}\n//\n"
    )
    path = tmp_path / "titin.dat"
    path.write_text(flat * 3)
    for size in (1000, 1 << 24):
        entries, rejections = parse_all(raw_chunks(path, size=size))
        assert not rejections
        assert len(entries) == 3
        assert entries[0].sequence == sequence
        assert entries[0].properties == ("Titin", text, "", "")


def test_only_the_wanted_properties_and_lengths(tmp_path, texts):
    path = tmp_path / "rows.tsv"
    rows = ("P1\tA name\tBinds.\tMK\n", "P2\tA name\t\tMKV\n", "P3\t\tBinds.\tMKVL\n")
    path.write_text("Entry\tProtein names\tFunction\tSequence\n" + "".join(rows))
    (chunk,) = raw_chunks(path)
    options = ReadOptions(confidence=1, properties=("function",), min_residues=3)
    parsed = parse_chunk(chunk, options)
    assert [(e.accession, e.properties) for e in parsed.entries] == [("P3", ("", "Binds.", "", ""))]
    assert parsed.rejections == [
        ("P1", "sequence too short", "2 residues"),
        ("P2", "no property", ""),
    ]
    parsed = parse_chunk(chunk, ReadOptions(confidence=1, max_residues=3))
    assert parsed.rejections == [("P3", "sequence too long", "4 residues")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"properties": ("function", "name")}, "function, name given; expected each at most once"),
        ({"properties": ("function", "function")}, "function, function given"),
        ({"properties": ()}, "none given"),
        ({"confidence": 6}, "6 given; expected 1"),
        ({"min_residues": 10, "max_residues": 5}, "at least 10 and at most 5 residues given"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(InputError, match=message):
        ReadOptions(**options)
