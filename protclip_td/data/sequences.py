"""Protein sequences by accession, from FASTA or a UniProtKB flat file."""

from collections.abc import Collection, Iterator
from pathlib import Path

from protclip_td.data.residues import check_sequence
from protclip_td.data.text_lines import text_lines
from protclip_td.errors import InputError

_EXPECTED = "a FASTA file or a UniProtKB flat file, plain or gzip"


def read_sequences(path: str | Path, wanted: Collection[str] | None = None) -> dict[str, str]:
    """Read sequences.

    In FASTA the accession is the first word of the header, or what stands between its bars
    (``>sp|P01308|INS_HUMAN``). In a flat file it is the first one of ``AC``.

    Parameters:
        path (str or Path): the file, plain or gzip
        wanted (collection of str, optional): accessions to read; all by default

    Returns:
        dict: sequence by accession, in the order of the file

    Raises:
        InputError: no such file or another kind of file, the same accession twice with different
            sequences, or a sequence with letters that are no residues

    Example::

        >>> read_sequences("uniprot_sample.dat.gz", wanted=["P01911"])
        {'P01911': 'MVCLKLPGGSCMTALTVTLMVLSSPLALSGDTRPRFLWQPKRECHFFNGTERVRF...'}
    """
    found: dict[str, str] = {}
    for accession, sequence, line in _records(path):
        if wanted is not None and accession not in wanted:
            continue
        check_sequence(sequence, f"{path}, line {line}: {accession}")
        if found.setdefault(accession, sequence) != sequence:
            raise InputError(
                f"{path}, line {line}: {accession} comes twice, with different sequences"
            )
    return found


def _records(path: str | Path) -> Iterator[tuple[str, str, int]]:
    """Accession, sequence and line of each record, by the first line of the file."""
    lines = text_lines(path, _EXPECTED)
    first = next(lines, (1, ""))
    if first[1].startswith(">"):
        yield from _fasta(first, lines)
    elif first[1].startswith("ID   "):
        yield from _flat_file(lines)
    else:
        raise InputError(f"{path} begins with {first[1][:40]!r}; expected {_EXPECTED}")


def _fasta(
    first: tuple[int, str], lines: Iterator[tuple[int, str]]
) -> Iterator[tuple[str, str, int]]:
    begin, header, parts = *first, list[str]()
    for number, line in lines:
        if line.startswith(">"):
            yield _accession(header), "".join(parts), begin
            begin, header, parts = number, line, []
        else:
            parts.append(line.strip())
    yield _accession(header), "".join(parts), begin


def _accession(header: str) -> str:
    word = (header[1:].split() or [""])[0]
    parts = word.split("|")
    return parts[1] if len(parts) == 3 else word


def _flat_file(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[str, str, int]]:
    accession, begin, parts = "", 1, list[str]()
    for number, line in lines:
        if line.startswith("AC   ") and not accession:
            accession, begin = line[5:].partition(";")[0], number
        elif line.startswith("     "):  # only the sequence has no code in front
            parts.append(line.replace(" ", ""))
        elif line == "//":
            yield accession, "".join(parts), begin
            accession, parts = "", []
