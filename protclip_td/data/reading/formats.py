"""The formats of data files, told apart by content, and where their records end."""

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from protclip_td.data.reading.binary import check_text
from protclip_td.data.reading.source import PAIRS, DamagedSourceError, check_file, read_pieces
from protclip_td.errors import InputError

_HEAD = 1 << 16
_BLANK_LINES = re.compile(rb"\A(?:[ \t]*(?:\n|\Z))+")
_XML_FRAME = re.compile(
    rb"<\?.*?\?>|<!--.*?-->|</?uniprot\b[^>]*>|<copyright>.*?</copyright>", re.DOTALL
)
_ACCESSION = re.compile(rb"(?:\nAC   |<accession>)(\w+)")


class Format(Enum):
    """A format that pairs are read from; its value is what people call it."""

    FLAT_FILE = "UniProtKB flat file"
    XML = "UniProtKB XML"
    FASTA = "FASTA with UniProt headers"
    TSV = "UniProt or ProtST TSV"
    JSON_LINES = "JSON lines"


def detect(path: str | Path) -> Format:
    """Tell the format of a data file by its content, whatever its name; plain or gzip.

    Raises:
        InputError: the file is missing, empty, damaged at its beginning, or of no known format

    Example::

        >>> detect("uniprot_sample.dat.gz").value
        'UniProtKB flat file'
    """
    path = check_file(path)
    head = _head(path)
    line = head.partition(b"\n")[0]
    first = line.decode(errors="replace")
    begin = first.lstrip()
    if first.startswith("ID   "):
        return Format.FLAT_FILE
    if begin.startswith("<") and b"<uniprot" in head:
        return Format.XML
    if first.startswith(">"):
        return Format.FASTA
    if begin.startswith("{"):
        return Format.JSON_LINES
    check_text(line, f"data file {path}", f"{PAIRS}; plain or gzip, in UTF-8")
    if "\t" in first:
        return Format.TSV
    raise InputError(_unknown(path, first))


def header_line(path: Path) -> bytes:
    """The first line of a file that is not empty, without its line break."""
    return _head(path).partition(b"\n")[0]


def _head(path: Path) -> bytes:
    """What a file begins with, from its first line that is not empty."""
    head = b""
    try:
        for piece, _ in read_pieces(path):
            head = _BLANK_LINES.sub(b"", head + piece)
            if len(head) >= _HEAD:
                break
    except DamagedSourceError as damage:
        if not head:
            raise DamagedSourceError(path, f"{damage.what} before its first line") from damage
    if not head:
        raise InputError(f"data file {path}: there is nothing in it but empty lines")
    return head


def _unknown(path: Path, first: str) -> str:
    seen = {"<": "XML or HTML without entries of UniProt", "[": "a JSON list"}
    return (
        f"data file {path}: format is {seen.get(first[:1], 'unknown')}; expected a UniProtKB flat "
        "file (begins with 'ID   '), UniProtKB XML, FASTA with UniProt headers, JSON lines (one "
        f'{{"seq": ..., "text": ...}} a line), or a UniProt or ProtST TSV; the first line is '
        f"{first[:60]!r}"
    )


def _behind(mark: bytes, kept: int = 0) -> Callable[[bytes], int]:
    """Where the last `mark` ends; its last `kept` bytes belong to the next record already."""

    def find(data: bytes) -> int:
        place = data.rfind(mark)
        return place + len(mark) - kept if place >= 0 else 0

    return find


#: Where the last whole record in some bytes ends, 0 if there is none.
LAST_END = {
    Format.FLAT_FILE: _behind(b"\n//\n"),
    Format.XML: _behind(b"</entry>"),
    Format.FASTA: _behind(b"\n>", kept=1),
    Format.TSV: _behind(b"\n"),
    Format.JSON_LINES: _behind(b"\n"),
}


def unfinished(format: Format, rest: bytes) -> str | None:
    """What is wrong with a file if this stands behind its last record end, None if nothing is.

    In formats of lines the last line may lack its line break, which is no damage.
    """
    if format is Format.FLAT_FILE and rest.strip() and not rest.endswith(b"\n//"):
        return f"it ends in the middle of {_name(rest)}"
    if format is Format.XML and foreign_xml(rest):
        return f"it ends in the middle of {_name(rest)}"
    if format is Format.XML and b"</uniprot>" not in rest:
        return "it ends before </uniprot>"
    return None


def foreign_xml(text: bytes) -> bool:
    """Whether there is anything but what may stand around the entries of UniProtKB XML."""
    return bool(_XML_FRAME.sub(b"", text).strip())


def _name(record: bytes) -> str:
    accession = _ACCESSION.search(record)
    return f"entry {accession[1].decode()}" if accession else "an entry"
