"""Reads a data file in blocks, plain or gzip by its content, and says where it is damaged."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from protclip_td.data.entry import Entry
from protclip_td.errors import InputError

_CHUNK = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"


class DamagedSourceError(Exception):
    """The file ends or breaks where it must not; `name_place` makes it an `InputError`."""


def check_file(path: str | Path) -> Path:
    """Make sure that a data file is there and not empty.

    Returns:
        Path: the file, with `~` put in

    Raises:
        InputError: there is no such file, it is a folder, or it is empty
    """
    path = Path(path).expanduser()
    expected = "expected a UniProtKB flat file, ProtCLIP JSON lines, or a UniProt or ProtST TSV"
    if not path.exists():
        raise InputError(f"data file {path}: no such file (looked in {path.absolute().parent})")
    if not path.is_file():
        raise InputError(f"data file {path}: not a file; {expected}")
    if path.stat().st_size == 0:
        raise InputError(f"data file {path}: the file is empty; {expected}")
    return path


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading bytes, unpacked if it is gzip whatever its name says."""
    with path.open("rb") as file:
        magic = file.read(2)
    return gzip.open(path) if magic == _GZIP_MAGIC else path.open("rb")  # type: ignore[return-value]


def _chunks(path: Path) -> Iterator[bytes]:
    """The unpacked bytes; everything before a damaged place is given before the error."""
    with open_source(path) as file:
        while True:
            try:
                chunk = file.read1(_CHUNK)  # type: ignore[attr-defined]
            except EOFError as error:
                raise DamagedSourceError("the gzip file is cut off") from error
            except (gzip.BadGzipFile, zlib.error) as error:
                raise DamagedSourceError(f"the gzip file is damaged ({error})") from error
            if not chunk:
                return
            yield chunk


def read_blocks(path: Path, end: bytes) -> Iterator[tuple[bytes, bool]]:
    """Read a file in blocks that stop at `end`, which is left out.

    Carriage returns are dropped.

    Parameters:
        path (Path): plain or gzip file
        end (bytes): what closes a block, such as a line break for lines

    Returns:
        iterator of (bytes, bool): the block, and whether `end` closed it; only what stands after
        the last `end` was not closed

    Raises:
        DamagedSourceError: the gzip file is cut off or damaged
    """
    rest = b""
    for chunk in _chunks(path):
        *blocks, rest = (rest + chunk.replace(b"\r", b"")).split(end)
        for block in blocks:
            yield block, True
    if rest:
        yield rest, False


def name_place(entries: Iterator[Entry], path: Path) -> Iterator[Entry]:
    """Pass entries on, and if the file turns out damaged, say where.

    Raises:
        InputError: the file is damaged; every entry before the place has been given
    """
    count, last = 0, "none"
    try:
        for entry in entries:
            count, last = count + 1, entry.accession
            yield entry
    except DamagedSourceError as damage:
        raise InputError(
            f"data file {path}: {damage}; {count} whole entries were read before, the last "
            f"accession is {last}. Get the file again and check its size or checksum."
        ) from damage
