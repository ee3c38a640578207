"""Checksums of files whose publishers give none: each in a file beside, as `md5sum` writes it."""

import re
from pathlib import Path

from protclip_td.errors import InputError
from protclip_td.whole_files import replace_file


def md5_file(path: Path) -> Path:
    """Where the checksum of a file is kept.

    Example::

        >>> md5_file(Path("data/train.txt"))
        PosixPath('data/train.txt.md5')
    """
    return path.with_name(f"{path.name}.md5")


def keep_md5(path: Path, md5: str) -> None:
    """Keep the checksum of a file that is known to be whole, or is about to be there."""
    line = f"{md5}  {path.name}\n"
    replace_file(md5_file(path), lambda file: file.write(line.encode()))


def kept_md5(path: Path) -> str | None:
    """The MD5 that is kept for a file, in hexadecimal, or None.

    Raises:
        InputError: the file beside it begins with no MD5
    """
    beside = md5_file(path)
    if not beside.is_file():
        return None
    text = beside.read_text(encoding="utf-8-sig", errors="replace")
    if not (found := re.match(r"\s*([0-9a-fA-F]{32})\b", text)):
        raise InputError(
            f"{beside} begins with {text[:32]!r}; expected the MD5 of {path.name}, 32 hexadecimal "
            "digits. Remove it or write it anew, as md5sum does."
        )
    return found[1].lower()
