"""What inputs are called in a manifest and in the table of what was rejected."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path


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
