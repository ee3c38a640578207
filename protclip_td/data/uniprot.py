"""Lean streaming reader of UniProtKB flat files (`.dat`, `.dat.gz`).

It reads the lines that a pair is made of and skips the rest, which makes it several times as fast
as a parser of whole entries. Tests compare it with Biopython field by field.

Format: UniProt Knowledgebase user manual, https://web.expasy.org/docs/userman.html
"""

import re
from collections.abc import Iterator
from pathlib import Path

from protclip_td.data.biotext import strip_evidence
from protclip_td.data.entry import Entry, OnReject, Rejection, fault, ignore
from protclip_td.data.protein_names import protein_names
from protclip_td.data.source import DamagedSourceError, check_file, name_place, read_blocks
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


def read_flat_file(
    path: str | Path,
    keep_evidence: bool = False,
    confidence: int | None = None,
    on_reject: OnReject = ignore,
) -> Iterator[Entry]:
    """Read the pairs of a UniProtKB flat file one after the other.

    Parameters:
        path (str): plain or gzip file, told apart by content
        keep_evidence (bool, optional): keep evidence tags (`{ECO:...}`) in comments; names never
            have them, as in UniProt's own "Protein names" column
        confidence (int, optional): for entries without protein existence (before 2007), which are
            rejected otherwise
        on_reject (callable, optional): called with a `Rejection` for each entry that is no pair

    Returns:
        iterator of Entry: in the file's order; memory does not grow with the file

    Raises:
        InputError: the file is missing, empty, damaged or cut in the middle of an entry; every
            whole entry before the place has been given

    Example::

        >>> entry = next(read_flat_file("uniprot_sample.dat.gz"))
        >>> entry.accession, entry.confidence, entry.coverage
        ('P15455', 1, 4)
    """
    path = check_file(path)
    return name_place(_read(path, keep_evidence, confidence, on_reject), path)


def _read(
    path: Path, keep_evidence: bool, confidence: int | None, on_reject: OnReject
) -> Iterator[Entry]:
    for block, line in _entry_blocks(path, on_reject):
        result = _parse(block, line, keep_evidence, confidence)
        if isinstance(result, Entry):
            yield result
        else:
            on_reject(result)


def _entry_blocks(path: Path, on_reject: OnReject) -> Iterator[tuple[bytes, int]]:
    """The text of each whole entry and the line where it begins."""
    line = 1
    for text, closed in read_blocks(path, b"\n//\n"):
        begin = line
        line += text.count(b"\n") + 2
        if not text.strip():
            continue
        if not closed and not text.endswith(b"\n//"):
            raise DamagedSourceError(f"it ends in the middle of entry {_name(text, begin)}")
        while (next_id := text.find(b"\nID   ")) >= 0:
            if text[:next_id].strip():
                name = _name(text[:next_id], begin)
                on_reject(Rejection(name, "cut in the middle", "no // line"))
            begin += text.count(b"\n", 0, next_id + 1)
            text = text[next_id + 1 :]
        yield text, begin


def _name(block: bytes, line: int) -> str:
    """What to call an entry: its accession, or where it begins."""
    accession = _ACCESSION.search(block)
    return accession[1].decode("ascii", "replace") if accession else f"line {line}"


def _parse(
    block: bytes, line: int, keep_evidence: bool, confidence: int | None
) -> Entry | Rejection:
    """One entry from its text, or why it is none."""
    accession = _name(block, line)
    head = _HEAD.match(block)
    if not head:
        return Rejection(accession, "no ID line")
    existence = _EXISTENCE.search(block)
    if not existence and confidence is None:
        return Rejection(accession, "no protein existence", "no PE line")
    try:
        entry = Entry(
            accession=accession,
            sequence=_sequence(block, existence.end() if existence else 0),
            properties=_properties(block, keep_evidence),
            confidence=int(existence[1]) if existence else confidence or 0,
            reviewed=head[1] in _REVIEWED,
        )
    except UnicodeDecodeError as error:
        return Rejection(accession, "not UTF-8", str(error))
    return fault(entry) or _wrong_length(entry, int(head[2])) or entry


def _wrong_length(entry: Entry, stated: int) -> Rejection | None:
    if len(entry.sequence) == stated:
        return None
    detail = f"{len(entry.sequence)} residues, ID line says {stated}"
    return Rejection(entry.accession, "sequence length contradicts the header", detail)


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
