"""Sequences of downstream test sets, which a store must not hold."""

import hashlib
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry
from protclip_td.data.reading.chunks import raw_chunks
from protclip_td.data.reading.fasta import fasta_records
from protclip_td.data.reading.formats import header_line
from protclip_td.data.reading.source import Digest, check_file
from protclip_td.data.residues import check_sequence, foreign_letters
from protclip_td.errors import InputError

DIGESTS, FASTA = "excluded.npy", "excluded.fasta"
_CHUNK_BYTES = 1 << 20
_RECORD = np.dtype([("digest", "<u8"), ("source", "<u4")])

# What MMseqs2 says where all excluded sequences are too short, or too monotonous, for it to find
# anything like them.
_TOO_SHORT = "No k-mer could be extracted"

#: Of the excluded sequence, that an alignment covers: chance similarity of a domain is no leakage.
COVERED = 0.8


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
        """Which entries MMseqs2 finds as identical as that to an excluded one: place to file.

        It looks for equal runs first, and so finds nothing like sequences of fewer than about 14
        residues; equal ones are found by `identical`.
        """
        if self._identity is None or not entries:
            return {}
        with tempfile.TemporaryDirectory(prefix="protanno-") as folder:
            query, result = Path(folder, "query.fasta"), Path(folder, "result.tsv")
            query.write_text("".join(f">{i}\n{e.sequence}\n" for i, e in enumerate(entries)))
            _easy_search(query, self._folder / FASTA, result, Path(folder, "tmp"), self._identity)
            lines = result.read_text().splitlines() if result.exists() else []
        hits = [line.split("\t") for line in lines]
        found: dict[int, int] = {}
        for place, target in sorted((int(q), int(t.partition("-")[0])) for q, t in hits):
            found.setdefault(place, target)
        return found


def _easy_search(query: Path, target: Path, result: Path, work: Path, identity: float) -> None:
    command = ["mmseqs", "easy-search", str(query), str(target), str(result), str(work)]
    command += ["--min-seq-id", str(identity), "-c", str(COVERED), "--cov-mode", "1"]
    command += ["--format-output", "query,target", "--threads", "1", "-v", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stderr + done.stdout
    if done.returncode and _TOO_SHORT not in said:
        raise InputError(
            f"mmseqs easy-search failed with status {done.returncode}: {said.strip()[-500:]}"
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
        InputError: a file is missing or no FASTA, or a sequence is empty or has gaps or letters
            that are no residues, and so could never be found in a store
    """
    records = []
    digests, begins = array("Q"), [0]
    with (folder / FASTA).open("w") as fasta:
        for source, path in enumerate(map(check_file, paths)):
            sha256 = hashlib.sha256()
            for sequence in _sequences(path, sha256):
                digests.append(text_digest(sequence))
                fasta.write(f">{source}-{len(digests) - begins[-1]}\n{sequence}\n")
            begins.append(len(digests))
            records.append(
                {
                    "name": path.name,
                    "size": path.stat().st_size,
                    "sha256": sha256.hexdigest(),
                    "sequences": begins[-1] - begins[-2],
                }
            )
    np.save(folder / DIGESTS, _first_of_each(np.array(digests), begins))
    return records


def _first_of_each(digests: np.ndarray, begins: Sequence[int]) -> np.ndarray:
    """Sorted hashes, each with the first file that has it."""
    unique, places = np.unique(digests, return_index=True)
    known = np.empty(len(unique), _RECORD)
    known["digest"], known["source"] = unique, np.searchsorted(begins, places, side="right") - 1
    return known


def check_fasta(path: Path) -> None:
    """Make sure that a file to exclude is FASTA, by how it begins.

    Raises:
        InputError: it is missing or begins otherwise
    """
    first = header_line(check_file(path, "FASTA of test sequences"))
    if not first.startswith(b">"):
        raise InputError(
            f"--exclude {path}: expected FASTA, which begins with '>'; it begins with "
            f"{first[:40]!r}"
        )


def _sequences(path: Path, digest: Digest) -> Iterator[str]:
    """The sequences of a FASTA file; a stop at their end is passed over, gaps are a mistake."""
    check_fasta(path)
    for chunk in raw_chunks(path, size=_CHUNK_BYTES, digest=digest):
        for header, residues, line in fasta_records(chunk.data, chunk.first_line):
            sequence = residues.decode("ascii", "replace").upper().removesuffix("*")
            if not sequence or foreign_letters(sequence):  # a name for each would take longer
                name = header.decode(errors="replace").partition(" ")[0]
                check_sequence(sequence, f"--exclude {path}, line {line}: {name!r}")
            yield sequence
