"""Writing so that nothing is lost: whole files or none, and plain words for a full disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from protclip_td.errors import TrainingError


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name, bring it to the disk, then rename it to `path`.

    Whoever reads `path` sees the old content or the new one, also after a crash in between.

    Parameters:
        path (Path): file to make or to replace
        write (callable): writes the content into the binary file it is given
    """
    temporary = write_aside(path, write)
    os.replace(temporary, path)
    sync_folder(path.parent)


def write_aside(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write the content for `path` beside it, for the caller to rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
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


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of a process that was killed while writing."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


@contextmanager
def explain_disk_errors(path: Path) -> Iterator[None]:
    """Turn a failed write into a message for the user.

    Raises:
        TrainingError: names the file, the reason, and what is intact
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = _find_os_error(error)
        if cause is None:
            raise
        raise TrainingError(
            f"{path} could not be written: {cause.strerror}. The checkpoints written before are "
            f"intact. Free some space in {path.parent}, then resume."
        ) from error


def _find_os_error(error: BaseException | None) -> OSError | None:
    # torch.save may bury the OSError of a write under a RuntimeError of its zip writer.
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
