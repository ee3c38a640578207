"""Lines of a text file, plain or gzip, with their numbers."""

from collections.abc import Iterator
from pathlib import Path

from protclip_td.data.reading.binary import check_text
from protclip_td.data.reading.source import check_file, read_pieces
from protclip_td.errors import InputError


def text_lines(
    path: str | Path, expected: str, must_end: bool = False
) -> Iterator[tuple[int, str]]:
    """Read a file line by line; a byte-order mark and Windows line ends are dropped.

    Parameters:
        path (str or Path): UTF-8 text, unpacked if it is gzip whatever its name says
        expected (str): what the file should be, for messages, such as ``a FASTA file``
        must_end (bool, optional): refuse a last line without an end, as of a file that was cut

    Returns:
        iterator of (int, str): number from 1, and the line without its end

    Raises:
        InputError: no such file, one that is cut off or damaged, or no text

    Example::

        >>> _ = Path("one.fasta").write_bytes(b">P12345\\r\\nMKT\\r\\n")
        >>> list(text_lines("one.fasta", "a FASTA file"))
        [(1, '>P12345'), (2, 'MKT')]
    """
    path = check_file(path, expected)
    number = 0
    begun: list[bytes] = []  # pieces of a line whose end has not come yet
    try:
        for piece, _ in read_pieces(path):
            if not number and not any(begun):
                check_text(piece.partition(b"\n")[0], path, expected)
            whole, end, rest = piece.rpartition(b"\n")
            if end:
                for line in b"".join([*begun, whole]).decode().split("\n"):
                    number += 1
                    yield number, line
                begun = []
            begun.append(rest)
        last = b"".join(begun)
        if last and must_end:
            raise _cut(path)
        if last:
            yield number + 1, last.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error}); expected {expected}") from error


def check_last_line(path: Path) -> None:
    """Make sure that the last line of a plain text has an end; one that was cut may look whole.

    Raises:
        InputError: it has none
    """
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        last = file.read()
    if last not in (b"\n", b"\r"):
        raise _cut(path)


def _cut(path: Path) -> InputError:
    return InputError(
        f"{path}: its last line has no end, so it may be cut. Get the file again; if it is whole, "
        "add the line end"
    )
