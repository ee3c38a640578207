"""What a file that should be text is instead, as seen in its first bytes."""

import re

from protclip_td.errors import InputError

_BEGINNINGS = {
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"BZh": "a bzip2 file; unpack it first",
    b"\xfd7zXZ\0": "an xz file; unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard file; unpack it first",
    b"PK\3\4": "a zip archive; unpack it first",
    b"\xff\xfe": "text in UTF-16; convert it to UTF-8 first",
    b"\xfe\xff": "text in UTF-16; convert it to UTF-8 first",
}
# What text has none of: control characters but white space.
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")


def instead_of_text(begin: bytes) -> str | None:
    """What a file is that is no text, and what to do; None if it may be text.

    Parameters:
        begin (bytes): first line, or more

    Example::

        >>> instead_of_text(b"BZh91AY&SY")
        'a bzip2 file; unpack it first'
    """
    known = (what for mark, what in _BEGINNINGS.items() if begin.startswith(mark))
    return next(known, "binary data" if _CONTROL.search(begin) else None)


def check_text(begin: bytes, where: object, expected: str) -> None:
    """Make sure that a file may be text.

    Parameters:
        begin (bytes): its first line
        where (Path or str): the file, for the message
        expected (str): what it should be

    Raises:
        InputError: it is something else; says what, and what to do
    """
    if instead := instead_of_text(begin):
        raise InputError(f"{where}: no text in UTF-8, but {instead}. Expected {expected}")
