"""Lines of a text file, plain or gzip, with their numbers."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from protclip_td.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


def text_lines(path: str | Path, expected: str) -> Iterator[tuple[int, str]]:
    """Read a file line by line; a byte-order mark and Windows line ends are dropped.

    Parameters:
        path (str or Path): UTF-8 text, unpacked if it is gzip whatever its name says
        expected (str): what the file should be, for messages, such as ``a FASTA file``

    Returns:
        iterator of (int, str): number from 1, and the line without its end

    Raises:
        InputError: no such file, a gzip file that is cut off or damaged, or no text

    Example::

        >>> _ = Path("one.fasta").write_bytes(b">P12345\\r\\nMKT\\r\\n")
        >>> list(text_lines("one.fasta", "a FASTA file"))
        [(1, '>P12345'), (2, 'MKT')]
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected {expected}")
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP_MAGIC
    opener = gzip.open if is_gzip else open
    number = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline=None) as lines:
            for number, line in enumerate(lines, 1):
                yield number, line.rstrip("\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path}: the gzip file is damaged or cut off after line {number} ({error}); "
            "get it again"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error}); expected {expected}") from error
