"""Lean streaming reader of UniProtKB flat files (`.dat`, `.dat.gz`).

It reads the lines that a pair is made of and skips the rest, which makes it several times as fast
as a parser of whole entries. Tests compare it with Biopython field by field.

Format: UniProt Knowledgebase user manual, https://web.expasy.org/docs/userman.html
"""

import re
from collections.abc import Iterator

from protclip_td.data.biotext import strip_evidence
from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.reading.line_counter import LineCounter
from protclip_td.data.reading.protein_names import protein_names
from protclip_td.data.reading.read_options import ReadOptions, admit
from protclip_td.properties import PROPERTIES

_TOPICS = tuple(p.topic for p in PROPERTIES if p.topic)
_ANY_COMMENT = b"\nCC   -!- "
_COMMENTS = tuple(f"{_ANY_COMMENT.decode()}{topic}:".encode() for topic in _TOPICS)
_HEAD = re.compile(rb"ID   \S+ +(\w+);.*?(\d{1,9}) AA\.")
_ACCESSION = re.compile(rb"\nAC   (\w+)")
_ACCESSION_LINES = re.compile(rb"(?:\nAC   .*)+")
_LENGTH = re.compile(rb"\nSQ   SEQUENCE +(\d{1,9}) AA\b")
_NAME_LINES = re.compile(rb"(?:\nDE   .*)+")
# A comment goes on as long as lines are indented: the copyright block at the end is not.
_COMMENT_LINES = re.compile(rb".*(?:\nCC     .*)*")
_MARGIN = "\nCC       "
# Lines are wrapped at spaces and after hyphens. "5-|hydroxytryptamine" is one word, and
# "alpha- |and beta-chain" is not.
_WRAP_IN_WORD = re.compile(r"([^\s-]-)\nCC +(?!(?:and|or|to)\b)")
_WRAP = re.compile(r"\nCC +")
_REVIEWED = (b"Reviewed", b"STANDARD")  # the latter before 2006


def parse_flat_file(data: bytes, line: int, options: ReadOptions) -> Iterator[Entry | Rejection]:
    """Parse the entries of a UniProtKB flat file one after the other.

    Parameters:
        data (bytes): whole entries
        line (int): number of the line that they begin at
        options (ReadOptions): what is wanted; `confidence` is for entries without protein
            existence (before 2007), which are rejected otherwise

    Returns:
        iterator of Entry or Rejection: in the file's order
    """
    lines = LineCounter(data, line)
    for begin, block, is_whole in _blocks(data):
        if is_whole:
            yield _parse(block, lines, begin, options)
        else:
            yield Rejection(_name(block, lines, begin), "cut in the middle", "no // line")


def flat_file_sequences(data: bytes, line: int) -> Iterator[tuple[list[str], str, int]]:
    """Accessions and sequence of each whole entry, and the line that it begins at.

    Parameters:
        data (bytes): whole entries
        line (int): number of the line that they begin at

    Returns:
        iterator of (list of str, str, int): the primary accession comes first, then the secondary
        ones, which were merged into this entry
    """
    lines = LineCounter(data, line)
    for begin, block, is_whole in _blocks(data):
        if is_whole:
            found = _ACCESSION_LINES.search(block)
            words = found[0].decode(errors="replace") if found else ""
            accessions = words.replace("\nAC   ", " ").replace(";", " ").split()
            name = _name(block, lines, begin)
            yield accessions or [name], _sequence(block, 0)[0], lines.at(begin)


def _blocks(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Where each entry begins, its text, and whether its end is there."""
    begin = 0
    while begin < len(data):
        end = data.find(b"\n//\n", begin)
        end = end + 1 if end >= 0 else len(data)
        block = data[begin:end]
        while (cut := block.find(b"\nID   ") + 1) > 0:
            if block[:cut].strip():
                yield begin, block[:cut], False
            begin, block = begin + cut, block[cut:]
        if block.strip():
            yield begin, block, True
        begin = end + 3


def _name(block: bytes, lines: LineCounter, begin: int) -> str:
    """What to call an entry: its accession, or where it begins."""
    accession = _ACCESSION.search(block)
    return accession[1].decode() if accession else f"line {lines.at(begin)}"


def _parse(block: bytes, lines: LineCounter, begin: int, options: ReadOptions) -> Entry | Rejection:
    """One entry from its text, or why it is none."""
    accession = _name(block, lines, begin)
    head = _HEAD.match(block)
    if not head:
        return Rejection(accession, "no ID line")
    existence = block.find(b"\nPE   ")
    confidence = _level(block, existence) if existence >= 0 else options.confidence
    if confidence is None:
        return Rejection(accession, "no protein existence", "no PE line")
    try:
        sequence, length = _sequence(block, max(existence, 0))
        entry = Entry(
            accession=accession,
            sequence=sequence,
            properties=_properties(block, options.keep_evidence),
            confidence=confidence,
            reviewed=head[1] in _REVIEWED,
            stated=existence >= 0,
        )
    except UnicodeDecodeError as error:
        return Rejection(accession, "not UTF-8", str(error))
    return admit(entry, options, int(head[2]), length)


def _level(block: bytes, place: int) -> int:
    """The number on the PE line, 0 if there is none; what is not between 1 and 5 is rejected."""
    number = block[place + 6 : place + 16].partition(b":")[0]
    return int(number) if number.isdigit() else 0


def _sequence(block: bytes, begin: int) -> tuple[str, int | None]:
    """Everything after the first sequence header, so that whatever else stands there is noticed.

    Also gives the length that the header states.
    """
    header = block.find(b"\nSQ   ", begin)
    lines = block.find(b"\n", header + 1) if header >= 0 else -1
    if lines < 0:
        return "", None
    stated = _LENGTH.match(block, header)
    sequence = block[lines:].removesuffix(b"\n//").translate(None, b" \n").decode()
    return sequence, int(stated[1]) if stated else None


def _properties(block: bytes, keep_evidence: bool) -> tuple[str, ...]:
    names = _NAME_LINES.match(block, max(block.find(b"\nDE   "), 0))
    description = names[0][1:].decode().replace("DE   ", "") if names else ""
    function, location, similarity = "", "", ""
    first = block.find(_ANY_COMMENT)
    if first >= 0:
        last = block.rfind(_ANY_COMMENT)
        function, location, similarity = (
            _comments(block, first, last, mark, keep_evidence) for mark in _COMMENTS
        )
    return protein_names(description), function, location, similarity


def _comments(block: bytes, begin: int, last: int, mark: bytes, keep_evidence: bool) -> str:
    """All comments of one topic that begin at `begin` to `last`, each on one line."""
    texts = []
    while (begin := block.find(mark, begin, last + len(mark))) >= 0:
        begin += len(mark)
        lines = _COMMENT_LINES.match(block, begin)
        texts.append(_comment(lines[0].decode(), keep_evidence) if lines else "")
    return " ".join(texts)


def _comment(text: str, keep_evidence: bool) -> str:
    """A comment on one line."""
    if "\n" in text:
        if "-\n" in text:
            text = _WRAP_IN_WORD.sub(r"\1", text)
        text = text.replace(_MARGIN, " ")
        if "\n" in text:
            text = _WRAP.sub(" ", text)
    return (text if keep_evidence else strip_evidence(text)).strip()
