"""Reads a data file piece by piece, plain or gzip by its content, and says where it is damaged."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from protclip_td.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FORMAT = 31  # of zlib: a gzip header, and the largest window
# Of the file itself. gzip makes at most 1,032 bytes of one, so a piece stays below 70 MB whatever
# the file holds; text makes 4 to 10.
_READ = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: What a store of pairs is built from.
PAIRS = (
    "a UniProtKB flat file or XML, FASTA with UniProt headers, a UniProt or ProtST TSV, or "
    "ProtCLIP JSON lines"
)


class Digest(Protocol):
    """What `hashlib.sha256()` gives."""

    def update(self, data: bytes, /) -> Any:
        """Take more bytes in."""


class DamagedSourceError(InputError):
    """A data file ends or breaks where it must not; what was read before is good.

    Parameters:
        path (Path): the file
        what (str): what is wrong with it, such as "the gzip file is cut off"
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path, what)  # exceptions are pickled by their args
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"data file {self.path}: {self.what}. Get it again and check its size or checksum."


def check_file(path: str | Path, expected: str = PAIRS) -> Path:
    """Make sure that a data file is there and not empty.

    Parameters:
        path (str): the file
        expected (str, optional): what it should hold, for messages; by default what a store of
            pairs is built from

    Returns:
        Path: the file, with `~` put in

    Raises:
        InputError: there is no such file, it is a folder, or it is empty
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise InputError(
            f"data file {path}: no such file; expected {expected} (looked in "
            f"{path.absolute().parent})"
        )
    if not path.is_file():
        raise InputError(f"data file {path}: not a file; expected {expected}")
    if path.stat().st_size == 0:
        raise InputError(f"data file {path}: the file is empty; expected {expected}")
    return path


def read_pieces(path: Path, digest: Digest | None = None) -> Iterator[tuple[bytes, int]]:
    """Read a file piece by piece, unpacked if it is gzip whatever its name says.

    Lines end with a line feed, whatever they end with in the file; a byte order mark is dropped.

    Parameters:
        path (Path): plain or gzip file
        digest (hashlib object, optional): is given every byte of the file itself

    Returns:
        iterator of (bytes, int): the piece, and how many bytes of the file itself were read by now

    Raises:
        DamagedSourceError: the gzip file is cut off or damaged; the pieces before are good
    """
    first, held, file_bytes = True, b"", 0
    for piece, file_bytes in _unpack(path, digest):
        if first and piece:
            piece, first = piece.removeprefix(_BYTE_ORDER_MARK), False
        if held or b"\r" in piece:
            piece = held + piece
            # The line feed that goes with the last one may come with the next piece.
            held = b"\r" if piece.endswith(b"\r") else b""
            piece = piece.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield piece, file_bytes
    if held:
        yield b"\n", file_bytes


def _unpack(path: Path, digest: Digest | None) -> Iterator[tuple[bytes, int]]:
    file_bytes, gunzip = 0, None
    with path.open("rb") as file:
        while raw := file.read(_READ):
            if digest is not None:
                digest.update(raw)
            if not file_bytes and raw.startswith(_GZIP_MAGIC):
                gunzip = _Gunzip(path)
            file_bytes += len(raw)
            for piece in gunzip.feed(raw) if gunzip else (raw,):
                yield piece, file_bytes
    if gunzip:
        gunzip.finish()


class _Gunzip:
    """Unpacks the members of a gzip file one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._member: Any = None

    def feed(self, raw: bytes) -> Iterator[bytes]:
        while raw:
            if self._member is None:
                raw = raw.lstrip(b"\0")  # a file may be filled up with zeros behind a member
                if not raw:
                    return
                self._member = zlib.decompressobj(_GZIP_FORMAT)
            try:
                yield self._member.decompress(raw)
            except zlib.error as error:
                raise DamagedSourceError(
                    self._path, f"the gzip file is damaged ({error})"
                ) from error
            raw = self._member.unused_data
            if self._member.eof:
                self._member = None

    def finish(self) -> None:
        if self._member is not None:
            raise DamagedSourceError(self._path, "the gzip file is cut off")
