"""Opens the store of a data file, and makes it on first use."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.pairs import FORMAT, MANIFEST, Store
from protclip_td.data.readers import read_pairs
from protclip_td.data.source import check_file
from protclip_td.data.writing import REJECTED, write_store
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

#: The built-in sample: 209 real UniProtKB entries.
SAMPLE = Path(__file__).parent / "sample" / "uniprot_sample.dat.gz"


def open_or_make(
    path: str | Path,
    source: str | Path | None = None,
    keep_evidence: bool = False,
    confidence: int | None = None,
    verbose: int = 0,
) -> Store:
    """Open the store for a data file, made in a sub-folder of `path` on first use.

    The sub-folder is named after the file, its content and the options, so that another file or
    other options never meet an old store. Several processes may do this at once.

    Parameters:
        path (str): folder of stores, or one store
        source (str, optional): data file in a format of `readers.read_pairs`; "sample" or None for
            the built-in sample. Not needed where `path` is a store itself.
        keep_evidence, confidence: see `readers.read_pairs`
        verbose (int, optional): with 1, show progress

    Raises:
        InputError: the file cannot be read, has no usable entry, or is not what the store at
            `path` was made from
    """
    path = Path(path).expanduser()
    if (path / MANIFEST).is_file():
        return _open(path, source)
    file = check_file(SAMPLE if source in (None, "sample") else Path(str(source)))
    description = {
        "source": {"path": str(file), "size": file.stat().st_size, "sha256": _sha256(file)},
        "options": {"keep_evidence": keep_evidence, "confidence": confidence},
    }
    folder = path / _folder_name(file, description)
    if not (folder / MANIFEST).is_file():
        _make(file, folder, description, verbose)
    return Store(folder)


def _open(path: Path, source: str | Path | None) -> Store:
    """A store that was made before, provided that it holds the source asked for, if any."""
    store = Store(path)
    if source is not None:
        file = check_file(SAMPLE if source == "sample" else source)
        made_from = store.manifest.get("source", {})
        if made_from.get("sha256") != _sha256(file):
            raise InputError(
                f"{path} is a ProtAnno store made from {made_from.get('path')}, and source is "
                f"{file}, another content; leave source out to use the store, or give another path"
            )
    return store


def _make(file: Path, folder: Path, description: dict[str, Any], verbose: int) -> None:
    logger.info("Making the ProtAnno store %s from %s", folder, file)
    rejected: list[Rejection] = []
    entries: Iterator[Entry] = read_pairs(file, **description["options"], on_reject=rejected.append)
    # disable=None: no bar when the output is no terminal
    bar = tqdm(entries, "reading", unit=" entries", disable=None if verbose else True)
    store = write_store(bar, folder, rejected, description)
    if rejected:
        logger.warning(
            "%d entries of %s were left out (%s); each is named in %s",
            len(rejected),
            file,
            ", ".join(f"{n} x {reason}" for reason, n in store.manifest["rejected"].items()),
            folder / REJECTED,
        )


def _folder_name(file: Path, description: dict[str, Any]) -> str:
    key = {"format": FORMAT, "sha256": description["source"]["sha256"], **description["options"]}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return f"{file.name.split('.')[0]}-{digest[:12]}"


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
