"""Remembers how files were when they had the content of their archive.

To compare a file with its archive costs as much as to unpack it. So the size and time of each file
that was unpacked or compared are kept beside the archive. As long as a file has these, and the
archive has its own, nobody needs to look into them.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from protclip_td.whole_files import write_json

# By file, of what JSON knows, since it is compared with what has been read again.
States = dict[str, list | None]


def states_file(archive: Path) -> Path:
    """Where the states are kept.

    Example::

        >>> states_file(Path("data/splits.zip"))
        PosixPath('data/splits.zip.unpacked')
    """
    return archive.with_name(f"{archive.name}.unpacked")


def state(path: Path, *further: Any) -> list | None:
    """What tells a file from others, then its size and time; None if there is no file."""
    if not path.is_file():
        return None
    found = path.stat()
    return [*further, found.st_size, found.st_mtime_ns]


def kept_states(archive: Path) -> States:
    """What is kept; nothing if the archive is another one since."""
    try:
        kept = json.loads(states_file(archive).read_bytes())
        return dict(kept["files"]) if kept["archive"] == state(archive) else {}
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not by `keep_states`
        return {}


def keep_states(archive: Path, files: States) -> None:
    """Keep the states of files; where nothing can be written, they are compared again."""
    with suppress(OSError):
        write_json(states_file(archive), {"archive": state(archive), "files": files})
