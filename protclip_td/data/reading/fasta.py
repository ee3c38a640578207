"""Reads pairs from FASTA with UniProt's headers: the name is the only property there."""

import re
from collections.abc import Iterator

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.reading.line_counter import LineCounter
from protclip_td.data.reading.read_options import ReadOptions, admit

_HEADER = re.compile(r"(sp|tr)\|([\w.-]+)\|\S*\s*(.*)")
# The line break before a header is lost, and with it where the entry before ends.
_SECOND_HEADER = re.compile(r">(?:sp|tr)\|")
# OS, OX, GN, PE and SV follow the name.
_FIELD = re.compile(r"(?:^|\s)[A-Z]{2}=")
_EXISTENCE = re.compile(r"\sPE=(\d{1,9})(?!\d)")


def parse_fasta(data: bytes, line: int, options: ReadOptions) -> Iterator[Entry | Rejection]:
    """Parse the entries of a FASTA file with headers of UniProt one after the other.

    A header is `>sp|P01308|INS_HUMAN Insulin OS=Homo sapiens OX=9606 GN=INS PE=1 SV=1`; name and
    protein existence are taken from it.

    Parameters:
        data (bytes): whole entries
        line (int): number of the line that they begin at
        options (ReadOptions): what is wanted

    Returns:
        iterator of Entry or Rejection: in the file's order
    """
    for header, sequence, number in fasta_records(data, line):
        yield _parse(header, sequence, f"line {number}", options)


def fasta_records(data: bytes, line: int = 1) -> Iterator[tuple[bytes, bytes, int]]:
    """Cut any FASTA into records.

    Returns:
        iterator of (bytes, bytes, int): the header without ">", the sequence without white space,
        and the number of the header's line
    """
    lines, begin = LineCounter(data, line), 0
    while begin < len(data):
        end = data.find(b"\n>", begin) + 1 or len(data)
        head, _, sequence = data[begin:end].partition(b"\n")
        if head.strip() or sequence.strip():
            yield head.removeprefix(b">"), sequence.translate(None, b" \n\t"), lines.at(begin)
        begin = end


def _parse(head: bytes, residues: bytes, where: str, options: ReadOptions) -> Entry | Rejection:
    try:
        header, sequence = head.decode(), residues.decode()
    except UnicodeDecodeError as error:
        return Rejection(where, "not UTF-8", str(error))
    match = _HEADER.match(header)
    if not match:
        return Rejection(where, "no UniProt header", repr(header[:60]))
    if _SECOND_HEADER.search(header):
        return Rejection(where, "cut in the middle", "two headers in one line")
    database, accession, description = match.groups()
    existence = _EXISTENCE.search(description)
    confidence = int(existence[1]) if existence else options.confidence
    if confidence is None:
        return Rejection(accession, "no protein existence", "no PE in the header")
    name = _FIELD.split(description, maxsplit=1)[0].strip()
    entry = Entry(
        accession=accession,
        sequence=sequence.upper(),
        properties=(name, "", "", ""),
        confidence=confidence,
        reviewed=database == "sp",
        stated=existence is not None,
    )
    return admit(entry, options)
