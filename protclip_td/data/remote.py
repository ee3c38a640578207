"""Gets data files from where they are published, whole and checked, or says where to put them."""

import hashlib
import os
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from protclip_td.errors import InputError

_CHUNK = 1 << 20
# Seconds without any answer.
_PATIENCE = 30


def fetch(url: str, folder: str | Path, name: str | None = None, md5: str | None = None) -> Path:
    """The file of an address in a local folder; it is fetched if it is not there.

    A file gets its name only once it is whole and its checksum is right, so that an interrupted
    download is never taken for the file. One attempt is made. A file that is there already with
    another checksum is left alone and not used.

    Parameters:
        url (str): address
        folder (str or Path): local folder; made if need be
        name (str, optional): name of the local file; by default the last part of the address
        md5 (str, optional): MD5 in hexadecimal; without it a file that is there is trusted

    Returns:
        Path: the file

    Raises:
        InputError: the file cannot be fetched, or its checksum is another one; names file,
            address, size, MD5 and folder, so that it can be put there by hand
    """
    folder = Path(folder).expanduser()
    path = folder / (name or Path(urlsplit(url).path).name)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _download(url, path, md5)
    elif md5 is not None and md5_of(path) != md5:
        raise InputError(
            f"{path.name} is there, but it is damaged or another file: its MD5 is {md5_of(path)}. "
            f"Remove it to have it fetched, or replace it.\n{_card(url, path, None, md5)}"
        )
    return path


def md5_of(path: str | Path) -> str:
    """MD5 of a file, in hexadecimal.

    Example::

        >>> Path("empty.txt").touch()
        >>> md5_of("empty.txt")
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, path: Path, md5: str | None) -> None:
    """Fetch into a file of another name, check it, and only then give it its own."""
    # Several processes may want the file at the same time: each has a part of its own.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    size = None
    try:
        with urlopen(url, timeout=_PATIENCE) as answer, part.open("wb") as file:
            length = answer.headers.get("Content-Length")
            size = int(length) if length and length.isdecimal() else None
            shutil.copyfileobj(answer, file, _CHUNK)
        wrong = _what_is_wrong(part, size, md5)
        if wrong:
            raise InputError(f"{path.name} arrived {wrong}.\n{_card(url, path, size, md5)}")
        part.replace(path)
    except (OSError, HTTPException) as error:
        raise InputError(
            f"{path.name} is missing and cannot be fetched ({error}). Put it in place by hand.\n"
            f"{_card(url, path, size, md5)}"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _what_is_wrong(part: Path, size: int | None, md5: str | None) -> str:
    """What a downloaded file is not as it should be, or ""."""
    got = part.stat().st_size
    if size is not None and got != size:
        return f"incomplete, with {got:,} of {size:,} bytes"
    if md5 is not None and md5_of(part) != md5:
        return f"with another checksum, MD5 {md5_of(part)}"
    return ""


def _card(url: str, path: Path, size: int | None, md5: str | None) -> str:
    """All that is needed to put the file in place by hand."""
    return (
        f"  file:   {path.name}\n"
        f"  from:   {url}\n"
        f"  size:   {'not known' if size is None else f'{size:,} bytes'}\n"
        f"  MD5:    {md5 or 'not published'}\n"
        f"  folder: {path.parent.absolute()}"
    )
