"""Unpacks archives from outside: nothing leaves the folder, and no file is ever half there."""

import errno
import gzip
import logging
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from protclip_td.data.outside.unpacked import keep_states, kept_states, state, states_file
from protclip_td.data.outside.vouched import md5_file
from protclip_td.errors import InputError
from protclip_td.whole_files import replace_file

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
# Bytes of a file's or folder's name. File systems take 255, and a file that is being written has a
# longer name.
_LONGEST_NAME = 200
# Bytes with all folders; systems take 4,096 and more.
_LONGEST_PATH = 1000
# The last four are for zip archives that ask for what zipfile cannot do, or for a place before the
# beginning of the file, or whose names are no text or begin with a zero byte.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    RuntimeError,
    OSError,
    UnicodeDecodeError,
    IndexError,
)


class Member(NamedTuple):
    """One file of an archive.

    Parameters:
        name (str): its name there
        size (int, optional): bytes; None where only unpacking tells, as in gzip
        open (callable): how to read it
    """

    name: str
    size: int | None
    open: Callable[[], Any]


def unpack(path: str | Path, member: str | None = None) -> Path:
    """Unpack an archive into the folder it lies in; a file that is there with its content is kept.

    Contents are compared once; later on a file is known by its size and time, see `unpacked`. A
    file with other content, damaged or edited, is replaced.

    Parameters:
        path (str or Path): a ``.zip``, ``.tar``, ``.tar.gz``, ``.tgz`` or ``.gz`` file
        member (str, optional): the one file to unpack, then without its folders

    Returns:
        Path: the file, if there is only one, or the folder

    Raises:
        InputError: a name that leads out of the folder, is too long, or would take the place of the
            archive or of a folder; a link or device; a damaged archive; no such member; not enough
            space; or another kind of file
        OSError: the disk does not take it, as when a ``.gz`` file turns out to be too large
    """
    path = Path(path)
    with _opened(path) as members:
        if member is not None:
            members = [m for m in members if m.name == member]
            if not members:
                raise InputError(f"{path} has no file {member!r}")
        # Of a name that occurs twice the last one counts, as for `tar`.
        places = {_place(path, m.name) if member is None else Path(m.name).name: m for m in members}
        _check_places(path, places)
        _unpack(path, places)
    return path.parent / next(iter(places)) if len(places) == 1 else path.parent


def _unpack(path: Path, places: Mapping[str, Member]) -> None:
    """Write the files that are not there with their content; keep how all of them are then."""
    folder, before = path.parent, kept_states(path)
    # Taken before the content is read: what is changed meanwhile is compared next time.
    states = {place: state(folder / place, m.name) for place, m in places.items()}
    todo = {
        place: m
        for place, m in places.items()
        if states[place] is None
        or (states[place] != before.get(place) and not _holds(folder / place, m))
    }
    _check_space(path, sum(m.size or 0 for m in todo.values()))
    for place, m in todo.items():
        target = folder / place
        if states[place] is not None:
            logger.warning("%s differs from what %s holds, and is unpacked again", target, path)
        _write(m, target)
        states[place] = state(target, m.name)
    if todo:
        os.sync()  # They are whole before that is kept. One by one, thousands would take long.
    if (after := before | states) != before:
        keep_states(path, after)


@contextmanager
def _opened(path: Path) -> Iterator[list[Member]]:
    """The files of an archive, which stays open for the block."""
    suffix = ".tgz" if path.name.endswith(".tar.gz") else path.suffix
    if suffix not in _OPENED:
        raise InputError(f"{path}: expected a .zip, .tar, .tar.gz, .tgz or .gz archive")
    try:
        with _OPENED[suffix](path) as members:
            yield members
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # a full disk is no damage
        raise InputError(
            f"{path} is damaged ({error}). Remove it to have it fetched again, or replace it."
        ) from error


@contextmanager
def _zipped(path: Path) -> Iterator[list[Member]]:
    with zipfile.ZipFile(path) as zipped:
        infos = [info for info in zipped.infolist() if not info.is_dir()]
        for info in infos:
            # Zero where it was packed by a system that has no such kinds.
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _unsafe(path, info.filename, "is a link or a device")
        yield [Member(i.filename, i.file_size, lambda i=i: zipped.open(i)) for i in infos]


@contextmanager
def _tar(path: Path) -> Iterator[list[Member]]:
    with tarfile.open(path, "r:") as tar:
        yield _tar_members(path, tar)


@contextmanager
def _gzipped_tar(path: Path) -> Iterator[list[Member]]:
    with gzip.open(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        members = _tar_members(path, tar)
        while file.read(_CHUNK):
            pass  # gzip's checksum comes at the end
        yield members


def _tar_members(path: Path, tar: tarfile.TarFile) -> list[Member]:
    infos = [info for info in tar.getmembers() if not info.isdir()]
    for info in infos:
        if not info.isfile():
            raise _unsafe(path, info.name, "is a link or a device")
    return [Member(i.name, i.size, lambda i=i: tar.extractfile(i)) for i in infos]


@contextmanager
def _gzipped(path: Path) -> Iterator[list[Member]]:
    """The content. The size in a gzip trailer covers only the last member, modulo 2³², so it is not
    used.
    """
    if not path.stat().st_size:
        raise EOFError("the file is empty")
    yield [Member(path.stem, None, lambda: gzip.GzipFile(path))]


_OPENED = {".zip": _zipped, ".tar": _tar, ".tgz": _gzipped_tar, ".gz": _gzipped}


def _place(path: Path, name: str) -> str:
    """Where a member belongs in the archive's folder, links on the way followed."""
    folder = path.parent.resolve()
    target = (folder / name).resolve()
    if target == folder or folder not in target.parents:
        raise _unsafe(path, name, f"leads out of {folder}")
    return str(target.relative_to(folder))


def _unsafe(path: Path, name: str, reason: str) -> InputError:
    return InputError(f"{path} is not safe to unpack: {name!r} {reason}. Nothing was unpacked.")


def _check_places(path: Path, places: Mapping[str, Member]) -> None:
    """Make sure that each file can be written and takes the place of none that is ours."""
    ours = {own.name for own in (path, md5_file(path), states_file(path))}
    for place in places:
        parts = [os.fsencode(part) for part in Path(place).parts]
        if max(map(len, parts), default=0) > _LONGEST_NAME or sum(map(len, parts)) > _LONGEST_PATH:
            raise _unsafe(path, f"{place[:40]}…", f"has too long a name ({len(place)} letters)")
        if place in ours:
            raise _unsafe(path, place, f"would replace {path.parent / place}")
    folders = {str(folder) for place in places for folder in Path(place).parents}
    mixed = [place for place in places if place in folders or (path.parent / place).is_dir()]
    mixed += [folder for folder in folders if (path.parent / folder).is_file()]
    if mixed:
        raise _unsafe(path, mixed[0], "would be a file and a folder at once")


def _holds(target: Path, member: Member) -> bool:
    """Whether a file has the content of a member, and no more."""
    with member.open() as source, target.open("rb") as kept:
        while piece := source.read(_CHUNK):
            if kept.read(len(piece)) != piece:
                return False
        return not kept.read(1)


def _check_space(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"{path} needs {size / 1e9:.1f} GB to be unpacked, and {path.parent.absolute()} has "
            f"{free / 1e9:.1f} GB left"
        )


def _write(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda file: _copy(member, file), sync=False)


def _copy(member: Member, file: BinaryIO) -> None:
    with member.open() as source:
        shutil.copyfileobj(source, file, _CHUNK)
