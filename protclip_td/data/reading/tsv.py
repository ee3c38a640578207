"""Reads pairs from the TSV files of UniProt and ProtST, columns by name."""

from collections.abc import Iterator
from pathlib import Path

from protclip_td.data.biotext import merge_comments, strip_evidence
from protclip_td.data.entry import EXISTENCE_LEVELS, Entry, Rejection
from protclip_td.data.reading.read_options import ReadOptions, admit, read_number
from protclip_td.errors import InputError
from protclip_td.properties import PROPERTIES

_ACCESSION = ("Entry", "Accession")
_EXISTENCE = "Protein existence"
_REVIEWED = ("Reviewed", "Status")
# What tells UniProt's tables from ProtST's.
_OF_UNIPROT = {name.lower() for p in PROPERTIES for name in p.uniprot_columns}
_OF_UNIPROT -= {p.protst_column.lower() for p in PROPERTIES}
_OF_UNIPROT |= {"entry", _EXISTENCE.lower(), *(name.lower() for name in _REVIEWED)}


def parse_table(
    header: bytes, data: bytes, line: int, options: ReadOptions
) -> Iterator[Entry | Rejection]:
    """Parse the rows of a UniProt or ProtST TSV one after the other.

    Parameters:
        header (bytes): the line of column names; where it comes again it is passed over
        data (bytes): whole lines
        line (int): number of the first of them
        options (ReadOptions): what is wanted; `confidence` is for rows without protein existence,
            by default 1 in a table of ProtST, while such a row of UniProt's is rejected

    Returns:
        iterator of Entry or Rejection: in the file's order
    """
    columns, width = _columns(header), len(_names(header))
    confidence = _assumed(header, options)
    for number, row in enumerate(data.split(b"\n"), start=line):
        if row.strip() and row != header:
            yield _parse(row, f"line {number}", columns, width, confidence, options)


def check_columns(path: Path, header: bytes) -> None:
    """Make sure that a TSV has the columns that a pair is made of.

    Raises:
        InputError: columns are missing; says which, and which were found
    """
    columns = _columns(header)
    missing = [] if "sequence" in columns else ["Sequence"]
    if not any(p.key in columns for p in PROPERTIES):
        names = ", ".join(f"{p.uniprot_columns[0]} or {p.protst_column}" for p in PROPERTIES)
        missing.append(f"at least one of {names}")
    if missing:
        raise InputError(
            f"data file {path}: columns are missing: {' and '.join(missing)}; found "
            f"{', '.join(_names(header))}"
        )


def check_existence(path: Path, header: bytes, options: ReadOptions) -> None:
    """Make sure that the rows of a TSV have a confidence: stated, asked for, or ProtST's.

    Raises:
        InputError: UniProt's export lacks the column of protein existence; says what was found
    """
    if "existence" not in _columns(header) and _assumed(header, options) is None:
        raise InputError(
            f"data file {path}: columns are missing: {_EXISTENCE}, of which the confidence is made;"
            f" found {', '.join(_names(header))}. Add it to the columns of UniProt's export, or "
            "give the confidence that all of its rows shall have (`confidence` or --confidence)"
        )


def _assumed(header: bytes, options: ReadOptions) -> int | None:
    """Confidence of rows that state none, None if they are not to be taken."""
    of_uniprot = not _OF_UNIPROT.isdisjoint(name.lower() for name in _names(header))
    return options.confidence or (None if of_uniprot else 1)


def _names(header: bytes) -> list[str]:
    return [name.strip().strip('"') for name in header.decode(errors="replace").split("\t")]


def _columns(header: bytes) -> dict[str, int]:
    """Where each field stands, by our name for it; fields that are not there are left out."""
    place = {name.lower(): index for index, name in enumerate(_names(header))}
    wanted = {p.key: (*p.uniprot_columns, p.protst_column) for p in PROPERTIES}
    wanted |= {"sequence": ("Sequence",), "accession": _ACCESSION}
    wanted |= {"existence": (_EXISTENCE,), "reviewed": _REVIEWED}
    wanted |= {"length": ("Length",)}
    columns = {}
    for key, names in wanted.items():
        found = [place[name.lower()] for name in names if name.lower() in place]
        if found:
            columns[key] = found[0]
    return columns


def _parse(
    line: bytes,
    where: str,
    columns: dict[str, int],
    width: int,
    assumed: int | None,
    options: ReadOptions,
) -> Entry | Rejection:
    try:
        fields = [_unquote(field) for field in line.decode().split("\t")]
    except UnicodeDecodeError as error:
        return Rejection(where, "not UTF-8", str(error))
    if len(fields) != width:
        detail = f"{len(fields)} fields, the header has {width}"
        return Rejection(where, "wrong number of fields", detail)
    row = {key: fields[index] for key, index in columns.items()}
    existence = row.get("existence", "").lower()
    if existence and existence not in EXISTENCE_LEVELS:
        return Rejection(where, "unknown protein existence", existence)
    confidence = EXISTENCE_LEVELS.get(existence, assumed)
    if confidence is None:
        return Rejection(where, "no protein existence", "none stated")
    entry = Entry(
        accession=row.get("accession") or where,
        sequence=row["sequence"].upper(),
        properties=tuple(
            _property(p.key, row.get(p.key, ""), options.keep_evidence) for p in PROPERTIES
        ),
        confidence=confidence,
        reviewed=row["reviewed"].lower() == "reviewed" if row.get("reviewed") else None,
        stated=bool(existence),
    )
    return admit(entry, options, read_number(row.get("length", "")))


def _unquote(field: str) -> str:
    """A field without the quotes that spreadsheet programs and pandas put around some."""
    field = field.strip()
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"').strip()
    return field


def _property(key: str, text: str, keep_evidence: bool) -> str:
    return merge_comments(key, text if keep_evidence else strip_evidence(text))
