"""One process per run folder."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path

from protclip_td.errors import InputError
from protclip_td.training.disk import explain_disk_errors

_held: set[int] = set()


def _release_in_child() -> None:
    # A lock lives as long as any copy of its descriptor: data-loader workers, which may outlive
    # a killed parent by seconds, must not keep it.
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_release_in_child)


class FolderLock:
    """Keeps other processes out of a folder until it is released or the process ends.

    Parameters:
        folder (Path): an existing folder

    Raises:
        InputError: another process holds the lock; says which one. Or there are no locks there
        TrainingError: nothing can be written into the folder
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        with explain_disk_errors(self.path):
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise InputError(
                f"The folder {folder} is in use by {self._read_owner()}. Stop that process "
                "first, or choose another folder."
            ) from error
        except OSError as error:  # some network file systems know no locks
            os.close(self._descriptor)
            raise InputError(
                f"The folder {folder} cannot be locked: {error.strerror}. Choose one on another "
                "disk."
            ) from error
        _held.add(self._descriptor)
        self._write_owner()

    def release(self) -> None:
        """Let others in."""
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)

    def _write_owner(self) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(owner).encode(), 0)

    def _read_owner(self) -> str:
        try:
            owner = json.loads(self.path.read_text())
            return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
        except ValueError:  # it has not written it yet
            return "another process"
