"""Writing so that nothing is lost: a file is there whole or not at all."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4


def replace_file(path: Path, write: Callable[[BinaryIO], object], sync: bool = True) -> None:
    """Write a file under another name, bring it to the disk, then rename it to `path`.

    Whoever reads `path` sees the old content or the new one, also after a crash in between.

    Parameters:
        path (Path): file to make or to replace
        write (callable): writes the content into the binary file it is given
        sync (bool, optional): wait for the disk. Without it only the process may crash, not the
            machine; for thousands of files that can be made again.

    Raises:
        OSError: the disk does not take it; the old content stays
    """
    temporary = write_aside(path, write, sync)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def write_aside(path: Path, write: Callable[[BinaryIO], object], sync: bool = True) -> Path:
    """Write the content for `path` beside it, for the caller to rename."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Bring renames in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path, idle: float = 0) -> None:
    """Remove the unfinished files of a process that was killed while writing.

    Parameters:
        folder (Path): folder of the files
        idle (float, optional): seconds for which nothing has been written into them, for a folder
            that other processes may be writing into
    """
    for path in folder.glob(f".*.{'[0-9a-f]' * 32}.tmp"):  # nobody else's
        with suppress(FileNotFoundError, PermissionError):
            if time.time() - path.stat().st_mtime >= idle:
                path.unlink()


def write_json(path: Path, value: Any, sync: bool = True, indent: int | None = None) -> None:
    """Write a JSON file in the same way; with an indent for people, without one for less.

    Raises:
        ValueError: the value holds NaN or an infinite number, which JSON does not know
        OSError: as `replace_file`
    """
    text = json.dumps(value, indent=indent, allow_nan=False) + "\n"
    replace_file(path, lambda file: file.write(text.encode()), sync)
