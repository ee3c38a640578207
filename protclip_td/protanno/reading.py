"""First phase of a build: inputs become staged chunks of rows, by bucket."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from protclip_td.data.chunks import RawChunk, parse_chunk, raw_chunks
from protclip_td.data.entry import Entry
from protclip_td.data.source import DamagedSourceError
from protclip_td.data.tally import Tally
from protclip_td.errors import InputError
from protclip_td.protanno.accessions import RANGE_BITS, accession_frames
from protclip_td.protanno.frames import read_frame, write_frames, write_json
from protclip_td.protanno.options import BuildOptions
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.rows import encode, fine_bits, frames_by_bucket
from protclip_td.protanno.selecting import hopeless
from protclip_td.protanno.staging import Staging, describe_input
from protclip_td.protanno.workers import Workers

#: Bytes of text in a chunk. It is in memory several times, and so is each that waits for a worker.
CHUNK_BYTES = 1 << 23

_SUMMARY = "summary"
_NO_FLUSH = 1 << 62  # one frame per bucket, since all rows of a chunk are in memory anyway


def read_inputs(
    staging: Staging, plan: dict[str, Any], options: BuildOptions, pool: Workers, progress: Progress
) -> None:
    """Stage all inputs. What is staged already is not parsed again.

    Raises:
        InputError: an input is damaged, or changed while it was read; what was read is staged
    """
    reader = _Reader(staging, plan["inputs"])
    bits = plan["bits"]
    tasks = ((chunk, options, bits, path) for chunk, path in reader.missing_chunks(progress))
    for entries in pool.run(stage_chunk, tasks):
        progress.count(entries)
    reader.check()
    names = [path.name for path in reader.chunks]
    staged = sum(summary["staged_bytes"] for summary in summaries(reader.chunks))
    read = {"inputs": reader.records, "chunks": names, "bits": fine_bits(bits, staged)}
    write_json(staging.read, read)


class _Reader:
    """Cuts inputs into chunks and keeps account of them."""

    def __init__(self, staging: Staging, inputs: list[dict[str, Any]]) -> None:
        self._staging, self._inputs = staging, inputs
        self.chunks: list[Path] = []
        self.records: list[dict[str, Any]] = []
        self._damage: list[DamagedSourceError] = []

    def missing_chunks(self, progress: Progress) -> Iterator[tuple[RawChunk, Path]]:
        """The chunks that are not staged yet, and where they belong."""
        for number, before in enumerate(self._inputs):
            path, digest = Path(before["path"]), hashlib.sha256()
            with progress.file(before["size"]) as seen:
                try:
                    for chunk in raw_chunks(path, size=CHUNK_BYTES, digest=digest):
                        place = self._staging.chunks / _chunk_name(number, chunk)
                        self.chunks.append(place)
                        seen(chunk.file_bytes)
                        if not place.exists():
                            yield chunk, place
                except DamagedSourceError as damage:
                    self._damage.append(damage)
            name, size = path.name, before["size"]
            self.records.append({"name": name, "size": size, "sha256": digest.hexdigest()})

    def check(self) -> None:
        """Raise what was wrong with the inputs, now that all of them were read."""
        for before in self._inputs:
            if describe_input(Path(before["path"])) != before:
                raise InputError(
                    f"{before['path']} changed while it was read; once it is complete, call again "
                    "with --resume: what is the same in it is not read again"
                )
        if self._damage:
            raise InputError(
                "; ".join(f"{damage.path}: {damage.what}" for damage in self._damage)
                + f". What was read before the damage is kept in {self._staging.root}; put a whole "
                "file in its place and call again with --resume"
            ) from self._damage[0]


def _chunk_name(number: int, chunk: RawChunk) -> str:
    content = hashlib.blake2b(chunk.header + chunk.data, digest_size=8).hexdigest()
    return f"{number:03d}-{chunk.begin:015d}-{content}.frames"


def stage_chunk(chunk: RawChunk, options: BuildOptions, bits: int, path: Path) -> int:
    """Parse a chunk and write the rows that may be kept by bucket; a task of the first phase.

    Parameters:
        chunk (RawChunk): part of an input
        options (BuildOptions): how entries are read, and which are kept
        bits (int): logarithm of the number of buckets
        path (Path): file to make

    Returns:
        int: entries in it
    """
    parsed = parse_chunk(chunk, options.read)
    tally, dropped = Tally(), Counter[str]()
    staged: list[Entry] = []
    for entry in parsed.entries:
        tally.add(entry)
        reason = hopeless(entry, options)
        if reason:
            dropped[reason] += 1
        else:
            staged.append(entry)
    summary = {"tally": tally.as_dict(), "dropped": dropped, "rejections": parsed.rejections}
    write_frames(path, _frames(staged, bits, summary))
    return len(parsed.entries)


def _frames(
    entries: list[Entry], bits: int, summary: dict[str, Any]
) -> Iterator[tuple[str, bytes]]:
    lines = [encode(entry) for entry in entries]
    summary["staged_bytes"] = sum(map(len, lines))
    yield _SUMMARY, json.dumps(summary).encode()
    yield from accession_frames(entries, RANGE_BITS)
    yield from frames_by_bucket(lines, bits, _NO_FLUSH)


def summaries(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """What `stage_chunk` noted of each chunk: its tally, and what it dropped and rejected."""
    for path in paths:
        yield json.loads(read_frame(path, _SUMMARY))
