"""What inputs are called, and what tells whether they are still the same."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protclip_td.data.reading.source import check_file


def describe_inputs(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What a plan says of inputs, all of them different: their names, and `describe_input`."""
    names = tell_apart([path.absolute() for path in paths])
    return [{"name": name, **describe_input(path)} for name, path in zip(names, paths)]


def describe_input(path: Path) -> dict[str, Any]:
    """What tells whether a file is still the same."""
    status = check_file(path).stat()
    return {"path": str(path.absolute()), "size": status.st_size, "changed": status.st_mtime_ns}


def tell_apart(paths: Sequence[str | Path]) -> list[str]:
    """The names of files, each with as many of its folders as it takes to tell it from the others.

    Parameters:
        paths (sequence of str): absolute paths, all of them different

    Example::

        >>> tell_apart(["/new/up/a.gz", "/old/up/a.gz", "/old/b.gz"])
        ['new/up/a.gz', 'old/up/a.gz', 'b.gz']
    """
    endings = [
        [path.parts[-n:] for n in range(1, len(path.parts) + 1)] for path in map(Path, paths)
    ]
    uses = Counter(ending for each in endings for ending in each)
    return [str(Path(*next(end for end in each if uses[end] == 1))) for each in endings]
