"""Reads pairs from ProtCLIP's JSON lines, `{"seq": ..., "text": ...}`."""

import json
from collections.abc import Iterator

from protclip_td.data.biotext import decompose, merge_comments, strip_evidence
from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.reading.read_options import ReadOptions, admit
from protclip_td.properties import PROPERTIES


def parse_json_lines(data: bytes, line: int, options: ReadOptions) -> Iterator[Entry | Rejection]:
    """Parse ProtCLIP's JSON lines one after the other.

    The sequence may also stand under `sequence`, and a name for the pair under `accession`.

    Parameters:
        data (bytes): whole lines
        line (int): number of the first of them
        options (ReadOptions): what is wanted; `confidence` is that of every pair, 1 by default

    Returns:
        iterator of Entry or Rejection: in the file's order
    """
    for number, text in enumerate(data.split(b"\n"), start=line):
        if text.strip():
            yield _parse(text, f"line {number}", options)


def _parse(line: bytes, where: str, options: ReadOptions) -> Entry | Rejection:
    try:
        pair = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return Rejection(where, "not UTF-8", str(error))
    except (ValueError, RecursionError) as error:
        return Rejection(where, "not JSON", str(error))
    if not isinstance(pair, dict):
        return Rejection(where, "not JSON", "expected an object in {}")
    sequence, text = pair.get("seq", pair.get("sequence")), pair.get("text")
    if not isinstance(sequence, str) or not isinstance(text, str):
        return Rejection(where, "no seq or no text", f"keys {', '.join(map(repr, pair))}")
    accession = " ".join(str(pair.get("accession") or where).split())
    try:
        (accession + sequence + text).encode()
    except UnicodeEncodeError as error:  # half of a character, such as "\\ud800"
        return Rejection(where, "not UTF-8", str(error))
    parts = decompose(text if options.keep_evidence else strip_evidence(text))
    entry = Entry(
        accession=accession,
        sequence=sequence.strip().upper(),
        properties=tuple(merge_comments(p.key, part) for p, part in zip(PROPERTIES, parts)),
        confidence=options.confidence or 1,
        stated=False,
    )
    return admit(entry, options)
