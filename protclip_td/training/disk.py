"""Plain words for a disk that is full or broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protclip_td.errors import TrainingError


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
