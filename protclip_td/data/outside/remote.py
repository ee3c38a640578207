"""Gets data files from where they are published, whole and checked, or says where to put them."""

import shutil
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from protclip_td.data.digests import md5_of, sha256_of
from protclip_td.data.outside.vouched import keep_md5, kept_md5, md5_file
from protclip_td.errors import InputError
from protclip_td.whole_files import remove_leftovers, write_aside

_CHUNK = 1 << 20
# Seconds without any answer.
_PATIENCE = 30
# Seconds after which nobody writes into an unfinished file any more.
_IDLE = 3600


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


class DataFile(NamedTuple):
    """A file that a data set needs.

    Parameters:
        path (Path): where it belongs
        source (str): its address
        published (PublishedFile, optional): its size and checksum, as far as they are known
        by_hand (bool, optional): the address is that of a page, not of the file itself
    """

    path: Path
    source: str
    published: PublishedFile = PublishedFile()
    by_hand: bool = False


def fetch(
    url: str,
    folder: str | Path,
    name: str | None = None,
    md5: str | None = None,
) -> Path:
    """The file of an address in a local folder, by `fetch_all`.

    Parameters:
        url (str): address
        folder (str or Path): local folder; made if need be
        name (str, optional): name of the local file; by default the last part of the address
        md5 (str, optional): MD5 in hexadecimal; without it a file that is there is compared with
            the ``NAME.md5`` beside it, if there is one

    Returns:
        Path: the file

    Raises:
        InputError: as `fetch_all`
    """
    path = Path(folder).expanduser() / (name or Path(urlsplit(url).path).name)
    (path,) = fetch_all([DataFile(path, url, PublishedFile(md5=md5))])
    return path


def fetch_all(files: Sequence[DataFile]) -> list[Path]:
    """The files that a data set needs; those that are not there are fetched.

    A file gets its name only once it is whole and its checksum is right, so that an interrupted
    download is never taken for the file. One attempt is made, and none for further files of a host
    that has not answered. A file that is there already with another size or checksum is left alone
    and not used. Where no checksum is published, that of the fetched file is kept beside it, in
    ``NAME.md5``, and tells later damage.

    Parameters:
        files (list of DataFile): files of one data set

    Returns:
        list of Path: where they are

    Raises:
        InputError: files cannot be fetched, or one is not the published one; names file, address,
            size, checksum and folder of all that are missing, so that they can be put there by
            hand
    """
    for file in files:
        if file.path.is_file():
            _check(file)
    silent: set[str] = set()
    tried = [_try(file, silent) for file in files if not file.path.is_file()]
    if failed := [(file, reason) for file, reason in tried if reason]:
        raise InputError(_ask_for(failed))
    return [file.path for file in files]


def _try(file: DataFile, silent: set[str]) -> tuple[DataFile, str]:
    """Fetch a file; hosts that do not answer become `silent`.

    Returns:
        DataFile and str: the file, with the size that a server gave, and why it is not there, or ""
    """
    host = urlsplit(file.source).netloc
    if file.by_hand:
        return file, "no address of the file itself is known"
    if host in silent:
        return file, f"not tried, since {host} did not answer"
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(file.source, timeout=_PATIENCE) as answer:
            file = _with_size(file, answer.headers.get("Content-Length"))
            return file, _receive(answer, file)
    except HTTPError as error:
        return file, str(error)
    except (URLError, TimeoutError) as error:
        silent.add(host)
        return file, str(error)
    except (OSError, HTTPException) as error:
        return file, str(error)


def _with_size(file: DataFile, length: str | None) -> DataFile:
    if file.published.size is None and length and length.isdecimal():
        return file._replace(published=file.published._replace(size=int(length)))
    return file


def _receive(answer: IO[bytes], file: DataFile) -> str:
    """Write into a file of another name, check it, and only then give it its own.

    Returns:
        str: what is wrong with what arrived, or ""
    """
    path, published = file.path, file.published
    remove_leftovers(path.parent, _IDLE)
    # Several processes may want the file at the same time: each has a part of its own.
    part = write_aside(path, lambda content: shutil.copyfileobj(answer, content, _CHUNK))
    try:
        if wrong := published.flaw(part):
            return f"it arrived {wrong}"
        if not published.has_checksum:
            keep_md5(path, md5_of(part))
        part.replace(path)
        return ""
    finally:
        part.unlink(missing_ok=True)


def _ask_for(failed: Sequence[tuple[DataFile, str]]) -> str:
    (first, reason), *others = failed
    if not others:
        return (
            f"{first.path.name} is missing and cannot be fetched ({reason}). Put it in place by "
            f"hand.\n{card(first)}"
        )
    cards = (f"{card(file)}\n  why:    {reason}" for file, reason in failed)
    return (
        f"{first.path.name} and {len(others)} more are missing and cannot be fetched. Put them in "
        "place by hand.\n" + "\n\n".join(cards)
    )


def _check(file: DataFile) -> None:
    """Use no file that is there already but is not the published one."""
    path, published = file.path, file.published
    if not published.has_checksum:
        published = published._replace(md5=kept_md5(path))
    if wrong := published.flaw(path):
        beside = md5_file(path)
        kept = f" and remove {beside.name}, which has the MD5 below" if beside.is_file() else ""
        advice = "Replace it" if file.by_hand else "Remove it to have it fetched, or replace it"
        raise InputError(
            f"{path.name} is there, but it is damaged or another file: {wrong}. {advice}{kept}.\n"
            f"{card(file._replace(published=published))}"
        )


def card(file: DataFile) -> str:
    """All that is needed to put a file in place by hand."""
    size, md5, sha256 = file.published
    checksum = f"  SHA256: {sha256}\n" if sha256 else f"  MD5:    {md5 or 'not published'}\n"
    return (
        f"  file:   {file.path.name}\n"
        f"  from:   {file.source}\n"
        f"  size:   {'not known' if size is None else f'{size:,} bytes'}\n"
        f"{checksum}"
        f"  folder: {file.path.parent.absolute()}"
    )
