"""Lean streaming reader of UniProtKB flat files (`.dat`, `.dat.gz`).

It reads the lines that a pair is made of and skips the rest, which makes it several times as fast
as a parser of whole entries. Tests compare it with Biopython field by field.

Format: UniProt Knowledgebase user manual, https://web.expasy.org/docs/userman.html
"""

import re
from collections.abc import Iterator

from protclip_td.data.biotext import strip_evidence
from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.options import ReadOptions, admit
from protclip_td.data.protein_names import protein_names
from protclip_td.properties import PROPERTIES

_TOPICS = tuple(p.topic for p in PROPERTIES if p.topic)
_HEAD = re.compile(rb"ID   \S+ +(\w+);.*?(\d+) AA\.")
_ACCESSION = re.compile(rb"\nAC   (\w+)")
_EXISTENCE = re.compile(rb"\nPE   (\d+)")
_NAMES = re.compile(rb"(?<=\nDE   )(.*(?:\nDE   .*)*)")
# A comment goes on as long as lines are indented: the copyright block at the end is not.
_COMMENT = re.compile(rb"\nCC   -!- (%s):(.*(?:\nCC     .*)*)" % "|".join(_TOPICS).encode())
# Lines are wrapped at spaces and after hyphens. "5-|hydroxytryptamine" is one word, and
# "alpha- |and beta-chain" is not.
_WRAP_IN_WORD = re.compile(r"(?<=[^\s-]-)\nCC +(?!(?:and|or|to)\b)")
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
    for text in data.split(b"\n//\n"):
        begin = line
        line += text.count(b"\n") + 2
        while (next_id := text.find(b"\nID   ")) >= 0:
            if text[:next_id].strip():
                name = _name(text[:next_id], begin)
                yield Rejection(name, "cut in the middle", "no // line")
            begin += text.count(b"\n", 0, next_id + 1)
            text = text[next_id + 1 :]
        if text.strip():
            yield _parse(text, begin, options)


def _name(block: bytes, line: int) -> str:
    """What to call an entry: its accession, or where it begins."""
    accession = _ACCESSION.search(block)
    return accession[1].decode("ascii", "replace") if accession else f"line {line}"


def _parse(block: bytes, line: int, options: ReadOptions) -> Entry | Rejection:
    """One entry from its text, or why it is none."""
    accession = _name(block, line)
    head = _HEAD.match(block)
    if not head:
        return Rejection(accession, "no ID line")
    existence = _EXISTENCE.search(block)
    if not existence and options.confidence is None:
        return Rejection(accession, "no protein existence", "no PE line")
    try:
        entry = Entry(
            accession=accession,
            sequence=_sequence(block, existence.end() if existence else 0),
            properties=_properties(block, options.keep_evidence),
            confidence=int(existence[1]) if existence else options.confidence or 0,
            reviewed=head[1] in _REVIEWED,
        )
    except UnicodeDecodeError as error:
        return Rejection(accession, "not UTF-8", str(error))
    return admit(entry, options, stated=int(head[2]))


def _sequence(block: bytes, begin: int) -> str:
    """Everything after the first sequence header, so that whatever else stands there is noticed."""
    header = block.find(b"\nSQ   ", begin)
    _, _, lines = block[header + 1 :].partition(b"\n") if header >= 0 else (b"", b"", b"")
    return lines.removesuffix(b"\n//").translate(None, b" \n").decode()


def _properties(block: bytes, keep_evidence: bool) -> tuple[str, str, str, str]:
    names = _NAMES.search(block)
    description = names[1].decode().replace("\nDE   ", "\n") if names else ""
    comments: dict[str, list[str]] = {topic: [] for topic in _TOPICS}
    for topic, text in _COMMENT.findall(block):
        comments[topic.decode()].append(_comment(text.decode(), keep_evidence))
    function, location, similarity = (" ".join(comments[topic]) for topic in _TOPICS)
    return protein_names(description), function, location, similarity


def _comment(text: str, keep_evidence: bool) -> str:
    """A comment on one line."""
    if "\n" in text:
        text = _WRAP.sub(" ", _WRAP_IN_WORD.sub("", text))
    return (text if keep_evidence else strip_evidence(text)).strip()
