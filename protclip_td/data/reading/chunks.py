"""Cuts a data file into chunks of whole records, and parses a chunk.

The two halves of reading meet in `RawChunk` only, so that one process can unpack and cut a file
while others parse. Both are pure: the same bytes and options give the same result.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.reading.fasta import parse_fasta
from protclip_td.data.reading.formats import LAST_END, Format, detect, header_line, unfinished
from protclip_td.data.reading.json_lines import parse_json_lines
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.reading.source import DamagedSourceError, Digest, check_file, read_pieces
from protclip_td.data.reading.tsv import check_columns, parse_table
from protclip_td.data.reading.uniprot import parse_flat_file
from protclip_td.data.reading.uniprot_xml import parse_xml

#: Bytes that a chunk has at least, unless the file ends.
CHUNK_BYTES = 1 << 24
# No entry of UniProt comes near; what is larger has lost its record ends.
_LONGEST_RECORD = 1 << 26


_PARSERS = {
    Format.FLAT_FILE: parse_flat_file,
    Format.XML: parse_xml,
    Format.FASTA: parse_fasta,
    Format.JSON_LINES: parse_json_lines,
}


class RawChunk(NamedTuple):
    """Whole records of a data file, not parsed yet.

    Offsets are in bytes of the text: unpacked, without carriage returns and byte order mark.

    Parameters:
        format (Format): what to parse it as
        header (bytes): the line of column names of a TSV, b"" otherwise
        data (bytes): the records
        begin (int): offset of the first byte
        first_line (int): number of the line at `begin`, from 1
        file_bytes (int): bytes of the file itself that were read by then, of its size on disk; for
            progress
    """

    format: Format
    header: bytes
    data: bytes
    begin: int
    first_line: int
    file_bytes: int


class Parsed(NamedTuple):
    """What is in a chunk, both in the file's order.

    Parameters:
        entries (list of Entry): the pairs
        rejections (list of Rejection): everything that is no pair, or not one that was asked for
    """

    entries: list[Entry]
    rejections: list[Rejection]


def raw_chunks(
    path: str | Path, size: int = CHUNK_BYTES, digest: Digest | None = None
) -> Iterator[RawChunk]:
    """Cut a data file into chunks of whole records; memory does not grow with the file.

    Parameters:
        path (str): plain or gzip file of a known format
        size (int, optional): bytes that a chunk has at least, unless the file ends
        digest (hashlib object, optional): is given every byte of the file itself; complete once
            the iterator has come to its end

    Returns:
        iterator of RawChunk: in the file's order, each beginning where the one before ended

    Raises:
        InputError: the file is missing, empty or of no known format, or columns are missing
        DamagedSourceError: the file is cut off or damaged; all whole records before were given

    Example::

        >>> chunk = next(raw_chunks("uniprot_sample.dat.gz"))
        >>> chunk.begin, chunk.first_line, len(parse_chunk(chunk, ReadOptions()).entries)
        (0, 1, 209)
    """
    path = check_file(path)
    buffer = _Buffer(path, detect(path), size)
    return _cut_all(buffer, read_pieces(path, digest))


def parse_chunk(chunk: RawChunk, options: ReadOptions) -> Parsed:
    """Parse the records of a chunk.

    Parameters:
        chunk (RawChunk): one of `raw_chunks`
        options (ReadOptions): what is wanted

    Returns:
        Parsed: the pairs, and why everything else is none; never raises for what a record holds
    """
    parsed = Parsed([], [])
    for result in _results(chunk, options):
        if isinstance(result, Entry):
            parsed.entries.append(result)
        else:
            parsed.rejections.append(result)
    return parsed


def _results(chunk: RawChunk, options: ReadOptions) -> Iterator[Entry | Rejection]:
    if chunk.format is Format.TSV:
        return parse_table(chunk.header, chunk.data, chunk.first_line, options)
    return _PARSERS[chunk.format](chunk.data, chunk.first_line, options)


def _cut_all(buffer: "_Buffer", pieces: Iterator[tuple[bytes, int]]) -> Iterator[RawChunk]:
    damage: DamagedSourceError | None = None
    try:
        for piece, file_bytes in pieces:
            buffer.add(piece, file_bytes)
            if buffer.full:
                yield from buffer.whole_records()
    except DamagedSourceError as error:
        damage = error
    yield from buffer.whole_records()
    if damage:
        raise damage
    yield from buffer.last_record()


class _Buffer:
    """Collects the pieces of a file until whole records can be cut off."""

    def __init__(self, path: Path, format: Format, size: int) -> None:
        self._path, self._format, self._least = path, format, max(size, 1)
        self._header = header_line(path) if format is Format.TSV else b""
        if format is Format.TSV:
            check_columns(path, self._header)
        self._begin, self._line, self._file_bytes = 0, 1, 0
        self._keep(b"")

    @property
    def full(self) -> bool:
        """Whether it is time to look for the end of a record."""
        return self._size >= self._wanted

    def _keep(self, rest: bytes) -> None:
        """Go on with bytes in which no record ends; next time look at twice as many of them."""
        self._pieces, self._size, self._wanted = [rest], len(rest), self._least
        while self._wanted <= self._size:
            self._wanted *= 2

    def add(self, piece: bytes, file_bytes: int) -> None:
        self._file_bytes = file_bytes
        self._pieces.append(piece)
        self._size += len(piece)

    def whole_records(self) -> Iterator[RawChunk]:
        data = b"".join(self._pieces)
        end = LAST_END[self._format](data)
        if end:
            yield self._cut(data, end)
        elif len(data) > _LONGEST_RECORD:
            what = f"no end of a record in {_LONGEST_RECORD >> 20} MB from line {self._line} on"
            raise DamagedSourceError(self._path, what)
        else:
            self._keep(data)

    def last_record(self) -> Iterator[RawChunk]:
        """What stands behind the last record end once the file has come to its own."""
        rest = b"".join(self._pieces)
        cut = unfinished(self._format, rest)
        if cut:
            raise DamagedSourceError(self._path, cut)
        if rest.strip() and self._format is not Format.XML:  # which ends in </uniprot>
            yield self._cut(rest, len(rest))

    def _cut(self, data: bytes, end: int) -> RawChunk:
        begin, line = self._begin, self._line
        self._keep(data[end:])
        data = data[:end]
        self._begin += end
        self._line += data.count(b"\n")
        return RawChunk(self._format, self._header, data, begin, line, self._file_bytes)
