"""Opens the store of a data file, and makes it on first use."""

import fcntl
import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.built_in import SAMPLE
from protclip_td.data.digests import sha256_of
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.reading.readers import check_confidence
from protclip_td.data.reading.source import DamagedSourceError, check_file
from protclip_td.data.store.manifest import FORMAT, MANIFEST
from protclip_td.data.store.reading import Store
from protclip_td.data.store.writing import REJECTED
from protclip_td.errors import InputError
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.phases import build
from protclip_td.protanno.staging import Staging, read_record
from protclip_td.wording import counted

logger = logging.getLogger(__name__)


def open_or_make(
    path: str | Path,
    source: str | Path | None = None,
    keep_evidence: bool = False,
    confidence: int | None = None,
    verbose: int = 0,
) -> Store:
    """Open the store for a data file, made in a sub-folder of `path` on first use.

    The sub-folder is named after the file, its content and the options, so that another file or
    other options never meet an old store. Everything in the file is kept, since the sampling rule
    is the data set's. Several processes may do this at once: one makes the store, the others wait.
    What was begun and broken off is gone on with by the next call.

    Parameters:
        path (str): folder of stores, or one store
        source (str, optional): data file in a format of `readers.read_pairs`; "sample" or None for
            the built-in sample. Not needed where `path` is a store itself.
        keep_evidence, confidence: see `readers.read_pairs`
        verbose (int, optional): with 1, show progress

    Raises:
        InputError: the file cannot be read or has no usable entry, or the store at `path` was made
            from another one or with other options than given
    """
    path = Path(path).expanduser()
    read = ReadOptions(keep_evidence=keep_evidence, confidence=confidence)
    if (path / MANIFEST).is_file():
        store = Store(path)
        _check_source(store, source)
        _check_options(store, {"keep_evidence": keep_evidence, "confidence": confidence})
        return store
    file = check_file(SAMPLE if source in (None, "sample") else Path(str(source)))
    options = BuildOptions(read, confidences=None, coverages=None, identical="keep")
    check_confidence(file, read)  # before anything is written
    folder = path / _folder_name(file, options)
    with _one_at_a_time(folder):
        if not (folder / MANIFEST).is_file():
            _make(file, folder, options, verbose)
    return Store(folder)


def _check_source(store: Store, source: str | Path | None) -> None:
    """Make sure that a store that was made before holds the source asked for, if any."""
    if source is None:
        return
    file = check_file(SAMPLE if source == "sample" else source)
    inputs = store.manifest["inputs"]
    if [made_from["sha256"] for made_from in inputs] != [sha256_of(file)]:
        names = ", ".join(made_from["name"] for made_from in inputs)
        raise InputError(
            f"{store.folder} is a ProtAnno store made from {names}, and source is {file}, another "
            "content; leave source out (or null) to use the store, or give another path"
        )


def _check_options(store: Store, options: dict[str, Any]) -> None:
    """Make sure that what is asked for, beyond the defaults, was asked for when it was made."""
    made_with = store.manifest["options"]
    others = [name for name, given in options.items() if given and made_with[name] != given]
    if others:
        made, given = (
            ", ".join(f"{name} {values[name]}" for name in others)
            for values in (made_with, options)
        )
        raise InputError(
            f"{store.folder} is a ProtAnno store made with {made}, and {given} is given; leave "
            f"{' and '.join(others)} out to use the store as it is, or give another path"
        )


def _make(file: Path, folder: Path, options: BuildOptions, verbose: int) -> None:
    logger.info("Making the ProtAnno store %s from %s", folder, file)
    try:
        # The folder is that of this content, whenever the file was written.
        store = build([file], folder, options, resume=True, report=False, quiet=not verbose)
    except InputError as error:
        mistake = _mistake(error, file, folder, options)
        if mistake is None:
            raise  # a full disk, say: what is done is kept
        shutil.rmtree(folder, ignore_errors=True)  # a repaired file will have a folder of its own
        raise mistake from error
    rejected = store.manifest["rejected"]
    if rejected:
        logger.warning(
            "%s entries of %s were left out (%s); each is named in %s",
            f"{sum(rejected.values()):,}",
            file,
            ", ".join(counted(rejected)),
            folder / REJECTED,
        )


def _mistake(
    error: InputError, file: Path, folder: Path, options: BuildOptions
) -> InputError | None:
    """What was wrong with the file, without what only `protclip-td protanno build` offers.

    None if it was not the file that was wrong.
    """
    if _folder_name(file, options) != folder.name:
        return InputError(f"{file} changed while it was read; call again once it is complete")
    if isinstance(error.__cause__, DamagedSourceError):
        return InputError(str(error.__cause__))
    staging = Staging(folder)
    if not staging.sorted.is_file() or np.any(read_record(staging.sorted)["after"]["counts"]):
        return None
    with (staging.result / REJECTED).open() as table:
        rows = (line.rstrip("\n").split("\t") for line in islice(table, 1, None))
        where, reason, detail, *_ = next(rows, ("", "nothing in it", ""))
        reasons = Counter([reason])
        reasons.update(row[1] for row in rows)
    why = ", ".join(counted(dict(reasons.most_common())))
    return InputError(
        f"no usable entry in {file}: {reasons.total():,} rejected ({why}); "
        f"the first is {' '.join(filter(None, (where, reason, detail)))}"
    )


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let the other processes that want to make this store wait; reading needs no lock."""
    if (folder / MANIFEST).is_file():
        yield
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f".{folder.name}.lock").open("w")
    except OSError as error:
        raise InputError(
            f"cannot make the ProtAnno store {folder}: {error.strerror}; give a path where you "
            "may write"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:  # some network file systems know no locks
            raise InputError(
                f"the folder of the ProtAnno store {folder} cannot be locked: {error.strerror}; "
                "give a path on another disk"
            ) from error
        yield


def _folder_name(file: Path, options: BuildOptions) -> str:
    key = {"format": FORMAT, "sha256": sha256_of(file), "options": options.as_dict()}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return f"{file.name.split('.')[0]}-{digest[:12]}"
