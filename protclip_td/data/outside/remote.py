"""Gets data files from where they are published, whole and checked, or says where to put them."""

import os
import shutil
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

from protclip_td.data.digests import md5_of, sha256_of
from protclip_td.data.outside.vouched import keep_md5, kept_md5, md5_file
from protclip_td.errors import InputError

_CHUNK = 1 << 20
# Seconds without any answer.
_PATIENCE = 30


class PublishedFile(NamedTuple):
    """What is known of a file where it is published, so that a half one is never used.

    Parameters:
        size (int, optional): bytes
        md5 (str, optional): MD5 in hexadecimal
        sha256 (str, optional): SHA-256 in hexadecimal
    """

    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def has_checksum(self) -> bool:
        """Whether a checksum is published."""
        return bool(self.md5 or self.sha256)

    def flaw(self, path: Path) -> str:
        """What a file is not as it should be, or ""; the cheapest test comes first."""
        got = path.stat().st_size
        if self.size is not None and got != self.size:
            return f"incomplete, with {got:,} of {self.size:,} bytes"
        if self.md5 is not None and (found := md5_of(path)) != self.md5:
            return f"with another checksum, MD5 {found}"
        if self.sha256 is not None and (found := sha256_of(path)) != self.sha256:
            return f"with another checksum, SHA-256 {found}"
        return ""


def fetch(
    url: str,
    folder: str | Path,
    name: str | None = None,
    md5: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
) -> Path:
    """The file of an address in a local folder; it is fetched if it is not there.

    A file gets its name only once it is whole and its checksum is right, so that an interrupted
    download is never taken for the file. One attempt is made. A file that is there already with
    another size or checksum is left alone and not used. Where no checksum is published, that of
    the fetched file is kept beside it, in ``NAME.md5``, and tells later damage.

    Parameters:
        url (str): address
        folder (str or Path): local folder; made if need be
        name (str, optional): name of the local file; by default the last part of the address
        md5 (str, optional): MD5 in hexadecimal
        sha256 (str, optional): SHA-256 in hexadecimal; without size and any checksum a file that
            is there is trusted
        size (int, optional): bytes, if they are known beforehand

    Returns:
        Path: the file

    Raises:
        InputError: the file cannot be fetched, or it is not the published one; names file,
            address, size, checksum and folder, so that it can be put there by hand
    """
    folder = Path(folder).expanduser()
    path = folder / (name or Path(urlsplit(url).path).name)
    published = PublishedFile(size, md5, sha256)
    if path.exists():
        _check(url, path, published)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _download(url, path, published)
    return path


def _check(url: str, path: Path, published: PublishedFile) -> None:
    """Use no file that is there already but is not the published one."""
    if not published.has_checksum:
        published = published._replace(md5=kept_md5(path))
    if wrong := published.flaw(path):
        beside = md5_file(path)
        kept = f" and remove {beside.name}, which has the MD5 below" if beside.is_file() else ""
        raise InputError(
            f"{path.name} is there, but it is damaged or another file: {wrong}. Remove it to have "
            f"it fetched, or replace it{kept}.\n{card(path, url, published)}"
        )


def card(path: Path, source: str, published: PublishedFile | None = None) -> str:
    """All that is needed to put a file in place by hand.

    Parameters:
        path (Path): where it belongs
        source (str): address
        published (PublishedFile, optional): its size and checksum, as far as they are known
    """
    size, md5, sha256 = published or PublishedFile()
    checksum = f"  SHA256: {sha256}\n" if sha256 else f"  MD5:    {md5 or 'not published'}\n"
    return (
        f"  file:   {path.name}\n"
        f"  from:   {source}\n"
        f"  size:   {'not known' if size is None else f'{size:,} bytes'}\n"
        f"{checksum}"
        f"  folder: {path.parent.absolute()}"
    )


def _download(url: str, path: Path, published: PublishedFile) -> None:
    """Fetch into a file of another name, check it, and only then give it its own."""
    # Several processes may want the file at the same time: each has a part of its own.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with urlopen(url, timeout=_PATIENCE) as answer, part.open("wb") as file:
            length = answer.headers.get("Content-Length")
            if published.size is None and length and length.isdecimal():
                published = published._replace(size=int(length))
            shutil.copyfileobj(answer, file, _CHUNK)
        wrong = published.flaw(part)
        if wrong:
            raise InputError(f"{path.name} arrived {wrong}.\n{card(path, url, published)}")
        if not published.has_checksum:
            keep_md5(path, md5_of(part))
        part.replace(path)
    except (OSError, HTTPException) as error:
        raise InputError(
            f"{path.name} is missing and cannot be fetched ({error}). Put it in place by hand.\n"
            f"{card(path, url, published)}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
