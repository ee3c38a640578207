"""Reads pairs from any of the formats people hold, told apart by content."""

from collections.abc import Callable, Iterator
from pathlib import Path

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.reading.chunks import RawChunk, parse_chunk, raw_chunks
from protclip_td.data.reading.formats import Format, detect, header_line
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.reading.source import DamagedSourceError, check_file
from protclip_td.data.reading.tsv import check_existence
from protclip_td.errors import InputError

# Small, so that the first entries come at once.
_CHUNK_BYTES = 1 << 20


def read_pairs(
    path: str | Path,
    keep_evidence: bool = False,
    confidence: int | None = None,
    on_reject: Callable[[Rejection], None] | None = None,
) -> Iterator[Entry]:
    """Read the pairs of a data file one after the other, whatever its format.

    Plain or gzip, see `formats.Format`.

    Parameters:
        path (str): data file
        keep_evidence (bool, optional): keep UniProt's evidence tags (`{ECO:...}`)
        confidence (int, optional): sample confidence of entries that do not state it, see
            `read_options.ReadOptions`
        on_reject (callable, optional): called with a `Rejection` for everything left out

    Returns:
        iterator of Entry: in the file's order

    Raises:
        InputError: the file is missing, empty, damaged, of no known format, or a table that lacks
            columns; of a damaged file every whole entry before the place has been given

    Example::

        >>> entries = list(read_pairs("uniprot_sample.dat.gz"))
        >>> len(entries), entries[0].accession
        (209, 'P15455')
    """
    options = ReadOptions(keep_evidence, confidence)
    chunks = raw_chunks(path, size=_CHUNK_BYTES)
    check_confidence(path, options)
    return _read(chunks, options, on_reject)


def check_confidence(path: str | Path, options: ReadOptions) -> None:
    """Make sure that the entries of a data file have a confidence, or that it is asked for.

    Raises:
        InputError: it is a table of UniProt's without the column of protein existence
    """
    if detect(path) is Format.TSV:
        path = check_file(path)
        check_existence(path, header_line(path), options)


def _read(
    chunks: Iterator[RawChunk],
    options: ReadOptions,
    on_reject: Callable[[Rejection], None] | None,
) -> Iterator[Entry]:
    count, last = 0, "none"
    try:
        for chunk in chunks:
            parsed = parse_chunk(chunk, options)
            for rejection in parsed.rejections if on_reject else ():
                on_reject(rejection)
            for entry in parsed.entries:
                count, last = count + 1, entry.accession
                yield entry
    except DamagedSourceError as damage:
        raise InputError(
            f"data file {damage.path}: {damage.what}; {count} whole entries were read before, the "
            f"last accession is {last}. Get the file again and check its size or checksum."
        ) from damage
