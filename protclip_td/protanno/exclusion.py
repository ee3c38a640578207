"""Sequences of downstream test sets, which a store must not hold."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.entry import Entry
from protclip_td.data.pairs import sequence_digest
from protclip_td.data.source import check_file, read_pieces
from protclip_td.data.writing import file_sha256
from protclip_td.errors import InputError

DIGESTS, FASTA = "excluded.npy", "excluded.fasta"
_RECORD = np.dtype([("digest", "<u8"), ("source", "<u4")])

# Of the excluded sequence, that an alignment covers: chance similarity of a domain is no leakage.
_COVERED = 0.8


class Excluded:
    """The excluded sequences, as `prepare` left them in a folder.

    Parameters:
        folder (Path): where they are
        identity (float, optional): what `similar` looks for
    """

    def __init__(self, folder: Path, identity: float | None = None) -> None:
        self._folder, self._identity = folder, identity
        path = folder / DIGESTS
        self._known = np.load(path, mmap_mode="r") if path.exists() else np.empty(0, _RECORD)

    def identical(self, digests: Sequence[int]) -> list[int | None]:
        """For each sequence, by its hash, which file has the same one, None if no file has."""
        wanted = np.array(digests, dtype=np.uint64)
        places = np.searchsorted(self._known["digest"], wanted)
        return [
            int(self._known["source"][place])
            if place < len(self._known) and int(self._known["digest"][place]) == digest
            else None
            for place, digest in zip(places.tolist(), digests)
        ]

    def similar(self, entries: Sequence[Entry]) -> dict[int, int]:
        """Which entries MMseqs2 finds as identical as that to an excluded one: place to file."""
        if self._identity is None or not entries:
            return {}
        with tempfile.TemporaryDirectory(prefix="protanno-") as folder:
            query, result = Path(folder, "query.fasta"), Path(folder, "result.tsv")
            query.write_text("".join(f">{i}\n{e.sequence}\n" for i, e in enumerate(entries)))
            _easy_search(query, self._folder / FASTA, result, Path(folder, "tmp"), self._identity)
            hits = [line.split("\t") for line in result.read_text().splitlines()]
        found: dict[int, int] = {}
        for place, target in sorted((int(q), int(t.partition("-")[0])) for q, t in hits):
            found.setdefault(place, target)
        return found


def _easy_search(query: Path, target: Path, result: Path, work: Path, identity: float) -> None:
    command = ["mmseqs", "easy-search", str(query), str(target), str(result), str(work)]
    command += ["--min-seq-id", str(identity), "-c", str(_COVERED), "--cov-mode", "1"]
    command += ["--format-output", "query,target", "--threads", "1", "-v", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(
            f"mmseqs easy-search failed with status {done.returncode}: "
            f"{(done.stderr or done.stdout).strip()[-500:]}"
        )


def check_mmseqs(identity: float | None) -> dict[str, str]:
    """The version of MMseqs2, if it is needed.

    Raises:
        InputError: it is needed and not there
    """
    if identity is None:
        return {}
    if shutil.which("mmseqs") is None:
        raise InputError(
            "--identity needs MMseqs2, and there is no `mmseqs` on the path; install it (apt-get "
            "install mmseqs2, or conda install -c bioconda mmseqs2), or leave --identity out to "
            "exclude equal sequences alone"
        )
    done = subprocess.run(["mmseqs", "version"], capture_output=True, text=True, check=True)
    return {"mmseqs2": done.stdout.strip()}


def prepare(paths: Sequence[Path], folder: Path) -> list[dict[str, Any]]:
    """Read the excluded sequences and leave them in a folder in the shape that tasks need.

    Parameters:
        paths (sequence of Path): FASTA files, plain or gzip; any headers will do
        folder (Path): where to

    Returns:
        list of dict: name, size, sha256 and number of sequences of each file

    Raises:
        InputError: a file is missing or no FASTA
    """
    records, known = [], []
    with (folder / FASTA).open("w") as fasta:
        for source, path in enumerate(paths):
            number = 0
            for number, sequence in enumerate(_sequences(path), start=1):
                known.append((sequence_digest(sequence), source))
                fasta.write(f">{source}-{number}\n{sequence}\n")
            size = path.stat().st_size
            records.append(
                {"name": path.name, "size": size, "sha256": file_sha256(path), "sequences": number}
            )
    # Of a sequence in several files the first file counts.
    unique = dict(reversed(known))
    np.save(folder / DIGESTS, np.array(sorted(unique.items()), dtype=_RECORD))
    return records


def _sequences(path: Path) -> Iterator[str]:
    """The sequences of a FASTA file, which is small enough to be in memory."""
    content = b"".join(piece for piece, _ in read_pieces(check_file(path))).lstrip()
    if not content.startswith(b">"):
        raise InputError(
            f"--exclude {path}: expected FASTA, which begins with '>'; it begins with "
            f"{content[:40]!r}"
        )
    for record in (b"\n" + content).split(b"\n>")[1:]:
        letters = b"".join(record.partition(b"\n")[2].split())
        yield letters.decode("ascii", "replace").upper().removesuffix("*")
