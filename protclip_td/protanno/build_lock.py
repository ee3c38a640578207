"""Keeps two builds out of one folder."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from protclip_td.errors import InputError
from protclip_td.protanno.staging import Staging

_PATIENCE = 5  # seconds, for the workers of a killed build to end


def lock(staging: Staging) -> TextIO:
    """Keep other builds away from the folder until the file that is returned is closed.

    Raises:
        InputError: another build is at work there
    """
    path = staging.root / "lock"
    for _ in range(int(_PATIENCE * 10)):
        staging.root.mkdir(parents=True, exist_ok=True)
        # A build that ends takes its lock away with everything else, maybe at this moment.
        with suppress(FileNotFoundError):
            file = path.open("w")
            if _acquire(file.fileno()) and _is_still(file, path):
                return file
            file.close()
        time.sleep(0.1)
    raise InputError(f"another build is at work in {staging.folder}; wait for it to end")


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: TextIO, path: Path) -> bool:
    """Whether a file that is open is the one that others find under its name."""
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
