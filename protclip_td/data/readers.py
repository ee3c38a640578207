"""Reads pairs from any of the formats people hold, told apart by content."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from protclip_td.data.biotext import decompose, merge_comments, strip_evidence
from protclip_td.data.entry import Entry, OnReject, Rejection, fault, ignore
from protclip_td.data.source import DamagedSourceError, check_file, name_place, read_blocks
from protclip_td.data.tsv import read_table
from protclip_td.data.uniprot import read_flat_file
from protclip_td.errors import InputError
from protclip_td.properties import PROPERTIES


def read_pairs(
    path: str | Path,
    keep_evidence: bool = False,
    confidence: int | None = None,
    on_reject: OnReject = ignore,
) -> Iterator[Entry]:
    """Read the pairs of a data file, whatever its format.

    Plain or gzip: a UniProtKB flat file, ProtCLIP's JSON lines (`{"seq": ..., "text": ...}`), a
    UniProt TSV export or a ProtST TSV, both with columns by name.

    Parameters:
        path (str): data file
        keep_evidence (bool, optional): keep UniProt's evidence tags (`{ECO:...}`)
        confidence (int, optional): sample confidence of entries in files that do not state it, 1
            by default; a flat file without it has its entries rejected by default
        on_reject (callable, optional): called with a `Rejection` for everything left out

    Returns:
        iterator of Entry: in the file's order

    Raises:
        InputError: the file is missing, empty, damaged or of no known format

    Example::

        >>> entries = list(read_pairs("uniprot_sample.dat.gz"))
        >>> len(entries), entries[0].accession
        (209, 'P15455')
    """
    path = check_file(path)
    first = _first_line(path)
    if first.startswith("ID   "):
        return read_flat_file(path, keep_evidence, confidence, on_reject)
    read: Callable[[Path, bool, int | None, OnReject], Iterator[Entry]]
    if first.startswith("{"):
        read = _read_json_lines
    elif "\t" in first:
        read = read_table
    else:
        raise InputError(_unknown(path, first))
    return name_place(read(path, keep_evidence, confidence, on_reject), path)


def _first_line(path: Path) -> str:
    try:
        for line, _ in read_blocks(path, b"\n"):
            if line.strip():
                return line.decode(errors="replace").lstrip("\ufeff")
    except DamagedSourceError as damage:
        raise InputError(f"data file {path}: {damage} before its first line") from damage
    raise InputError(f"data file {path}: there is nothing in it but empty lines")


def _unknown(path: Path, first: str) -> str:
    seen = {">": "FASTA, which has no biotext", "<": "XML or HTML", "[": "a JSON list"}
    guess = seen.get(first[:1], "unknown")
    return (
        f"data file {path}: format is {guess}; expected a UniProtKB flat file (begins with "
        '\'ID   \'), JSON lines (one {"seq": ..., "text": ...} a line), or a UniProt or ProtST '
        f"TSV; the first line is {first[:60]!r}"
    )


def _read_json_lines(
    path: Path, keep_evidence: bool, confidence: int | None, on_reject: OnReject
) -> Iterator[Entry]:
    for number, (line, _) in enumerate(read_blocks(path, b"\n"), start=1):
        if not line.strip():
            continue
        result = _parse_json(line, f"line {number}", keep_evidence, confidence or 1)
        if isinstance(result, Entry):
            yield result
        else:
            on_reject(result)


def _parse_json(line: bytes, where: str, keep_evidence: bool, confidence: int) -> Entry | Rejection:
    try:
        pair = json.loads(line)
    except ValueError as error:  # not UTF-8, or not JSON
        return Rejection(where, "not JSON", str(error))
    if not isinstance(pair, dict):
        return Rejection(where, "not JSON", "expected an object in {}")
    sequence, text = pair.get("seq", pair.get("sequence")), pair.get("text")
    if not isinstance(sequence, str) or not isinstance(text, str):
        return Rejection(where, "no seq or no text", f"keys {', '.join(map(str, pair))}")
    parts = decompose(text if keep_evidence else strip_evidence(text))
    name, function, location, similarity = (
        merge_comments(p.key, part) for p, part in zip(PROPERTIES, parts)
    )
    accession = str(pair.get("accession") or where)
    properties = (name, function, location, similarity)
    entry = Entry(accession, sequence.strip().upper(), properties, confidence)
    return fault(entry) or entry
