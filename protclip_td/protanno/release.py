"""Which release of UniProt a data file is of."""

import re
from pathlib import Path

_FILE = "reldate.txt"
_RELEASE = re.compile(r"\bRelease (\d{4}_\d{2})\b")


def stated_release(path: Path) -> str | None:
    """The release in the `reldate.txt` that UniProt puts beside its files, if it is there.

    Parameters:
        path (Path): a data file
    """
    beside = path.parent / _FILE
    try:
        found = _RELEASE.search(beside.read_text(errors="replace"))
    except OSError:
        return None
    return found and found[1]


def release_of(paths: list[Path]) -> str | None:
    """The release that all files agree on, else none.

    Example::

        >>> release_of([Path("uniprot_sample.dat.gz")]) is None  # no reldate.txt is beside it
        True
    """
    releases = {stated_release(path) for path in paths}
    return releases.pop() if len(releases) == 1 else None
