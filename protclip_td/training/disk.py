"""Files of a run: whole ones or none, and plain words for a disk that does not take them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protclip_td.errors import TrainingError
from protclip_td.whole_files import replace_file, write_json

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explain_disk_errors(path: Path) -> Iterator[None]:
    """Turn a failed write into a message for the user.

    Raises:
        TrainingError: names the file, the reason, and what to do
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = _find_os_error(error)
        if cause is None:
            raise
        advice = f" Free some space in {path.parent}." if cause.errno in _FULL else ""
        raise TrainingError(
            f"{path} could not be written: {cause.strerror}. What was written before is intact."
            f"{advice}"
        ) from error


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, and its folder if need be; a crash leaves the old content or the new one.

    Parameters:
        path (Path): file to make or to replace
        content (str or bytes): text is written as UTF-8

    Raises:
        TrainingError: the disk does not take it
    """
    data = content.encode() if isinstance(content, str) else content
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda file: file.write(data))


def write_run_json(path: Path, content: Any) -> None:
    """Write a JSON file for people in the same way.

    Raises:
        TrainingError: the disk does not take it
        ValueError: the content holds NaN or an infinite number, which JSON does not know
    """
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, content, indent=2)


def _find_os_error(error: BaseException | None) -> OSError | None:
    # torch.save may bury the OSError of a write under a RuntimeError of its zip writer.
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
