"""Reads pairs from the TSV files of UniProt and ProtST, columns by name."""

from collections.abc import Iterator
from pathlib import Path

from protclip_td.data.biotext import merge_comments, strip_evidence
from protclip_td.data.entry import Entry, OnReject, Rejection, fault
from protclip_td.data.source import read_blocks
from protclip_td.errors import InputError
from protclip_td.properties import PROPERTIES, PROTEIN_EXISTENCE

_EXISTENCE = {words.lower(): level for level, words in PROTEIN_EXISTENCE.items()}
_ACCESSION = ("Entry", "Accession", "accession")


def read_table(
    path: Path, keep_evidence: bool, confidence: int | None, on_reject: OnReject
) -> Iterator[Entry]:
    """Read a UniProt or ProtST TSV; see `readers.read_pairs` for the parameters.

    Raises:
        InputError: columns are missing
        DamagedSourceError: the gzip file is cut off or damaged
    """
    columns: dict[str, int] = {}
    for number, (line, _) in enumerate(read_blocks(path, b"\n"), start=1):
        if not line.strip():
            continue
        if not columns:
            columns = _columns(path, line.decode("utf-8-sig", "replace").split("\t"))
            continue
        result = _parse(line, f"line {number}", columns, keep_evidence, confidence)
        if isinstance(result, Entry):
            yield result
        else:
            on_reject(result)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    """Where each field stands, by our name for it; fields that are not there are left out."""
    place = {name.strip().strip('"'): index for index, name in enumerate(header)}
    wanted = {p.key: (*p.uniprot_columns, p.protst_column) for p in PROPERTIES}
    wanted |= {"sequence": ("Sequence",), "accession": _ACCESSION}
    wanted |= {"existence": ("Protein existence",), "reviewed": ("Reviewed", "Status")}
    columns = {}
    for key, names in wanted.items():
        found = [place[name] for name in names if name in place]
        if found:
            columns[key] = found[0]
    if "sequence" not in columns or not any(p.key in columns for p in PROPERTIES):
        expected = ", ".join(f"{p.uniprot_columns[0]} or {p.protst_column}" for p in PROPERTIES)
        raise InputError(
            f"data file {path}: columns are missing; expected Sequence and at least one of "
            f"{expected}; found {', '.join(place)}"
        )
    columns["last"] = len(header) - 1
    return columns


def _parse(
    line: bytes, where: str, columns: dict[str, int], keep_evidence: bool, confidence: int | None
) -> Entry | Rejection:
    try:
        fields = [_unquote(field) for field in line.decode().split("\t")]
    except UnicodeDecodeError as error:
        return Rejection(where, "not UTF-8", str(error))
    if len(fields) != columns["last"] + 1:
        detail = f"{len(fields)} fields, the header has {columns['last'] + 1}"
        return Rejection(where, "wrong number of fields", detail)
    row = {key: fields[index] for key, index in columns.items()}
    existence = row.get("existence", "").lower()
    if existence and existence not in _EXISTENCE:
        return Rejection(where, "unknown protein existence", existence)
    name, function, location, similarity = (
        _property(p.key, row.get(p.key, ""), keep_evidence) for p in PROPERTIES
    )
    entry = Entry(
        accession=row.get("accession") or where,
        sequence=row["sequence"].upper(),
        properties=(name, function, location, similarity),
        confidence=_EXISTENCE.get(existence, confidence or 1),
        reviewed=row["reviewed"].lower() == "reviewed" if row.get("reviewed") else None,
    )
    return fault(entry) or entry


def _unquote(field: str) -> str:
    """A field without the quotes that spreadsheet programs and pandas put around some."""
    field = field.strip()
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"').strip()
    return field


def _property(key: str, text: str, keep_evidence: bool) -> str:
    return merge_comments(key, text if keep_evidence else strip_evidence(text))
