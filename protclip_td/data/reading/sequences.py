"""Protein sequences by accession, from FASTA or a UniProtKB flat file."""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

from protclip_td.data.reading.binary import check_text
from protclip_td.data.reading.chunks import raw_chunks
from protclip_td.data.reading.fasta import fasta_records
from protclip_td.data.reading.formats import Format, header_line
from protclip_td.data.reading.source import check_file
from protclip_td.data.reading.uniprot import flat_file_sequences
from protclip_td.data.residues import check_sequence
from protclip_td.errors import InputError
from protclip_td.wording import first_few

logger = logging.getLogger(__name__)

_EXPECTED = "a FASTA file or a UniProtKB flat file, plain or gzip"
_CHUNK_BYTES = 1 << 20


def read_sequences(
    path: str | Path, wanted: Collection[str] | None = None, also_secondary: bool = False
) -> dict[str, str]:
    """Read sequences.

    In FASTA the accession is the first word of the header, or what stands between its bars
    (``>sp|P01308|INS_HUMAN``). In a flat file it is the first one of ``AC``. The others there are
    secondary: entries that were merged into this one.

    Parameters:
        path (str or Path): the file, plain or gzip
        wanted (collection of str, optional): accessions to read; by default all primary ones
        also_secondary (bool, optional): find a wanted accession that is nowhere the first among
            the secondary ones, unless that is in entries with different sequences, since it was
            split then

    Returns:
        dict: sequence by accession, in the order of the file; those found by a secondary accession
        come last

    Raises:
        InputError: no such file or another kind of file, the same accession twice with different
            sequences, or a sequence with letters that are no residues

    Example::

        >>> read_sequences("uniprot_sample.dat.gz", wanted=["P01911"])
        {'P01911': 'MVCLKLPGGSCMTALTVTLMVLSSPLALSGDTRPRFLWQPKRECHFFNGTERVRF...'}
    """
    found: dict[str, str] = {}
    merged: dict[str, dict[str, int]] = {}  # sequences of each, and the line of their entry
    for (accession, *secondary), sequence, line in _records(path):
        if also_secondary and wanted is not None:
            for other in set(secondary).intersection(wanted):
                merged.setdefault(other, {})[sequence] = line
        if wanted is not None and accession not in wanted:
            continue
        check_sequence(sequence, f"{path}, line {line}: {accession}")
        if found.setdefault(accession, sequence) != sequence:
            raise InputError(
                f"{path}, line {line}: {accession} comes twice, with different sequences"
            )
    return found | _of_merged(path, merged, found)


def _of_merged(
    path: str | Path, merged: dict[str, dict[str, int]], found: Collection[str]
) -> dict[str, str]:
    """Sequences of the accessions that are secondary only, and of one sequence only."""
    of_merged: dict[str, str] = {}
    for accession, line_of in merged.items():
        if accession not in found and len(line_of) == 1:
            ((sequence, line),) = line_of.items()
            check_sequence(sequence, f"{path}, line {line}: {accession}")
            of_merged[accession] = sequence
    if of_merged:
        some = first_few([*of_merged])
        logger.warning("%s: %d found by a secondary accession: %s", path, len(of_merged), some)
    return of_merged


def _records(path: str | Path) -> Iterator[tuple[list[str], str, int]]:
    """Accessions, the primary one first, sequence and line of each record."""
    path = check_file(path, _EXPECTED)
    first = header_line(path)
    if not first.startswith((b">", b"ID   ")):
        check_text(first, path, _EXPECTED)
        raise InputError(
            f"{path} begins with {first[:40].decode(errors='replace')!r}; expected {_EXPECTED}"
        )
    for chunk in raw_chunks(path, size=_CHUNK_BYTES):
        records = _fasta if chunk.format is Format.FASTA else flat_file_sequences
        yield from records(chunk.data, chunk.first_line)


def _fasta(data: bytes, line: int) -> Iterator[tuple[list[str], str, int]]:
    for header, sequence, number in fasta_records(data, line):
        word = (header.decode(errors="replace").split() or [""])[0]
        parts = word.split("|")
        accession = parts[1] if len(parts) == 3 else word
        yield [accession], sequence.decode(errors="replace"), number
