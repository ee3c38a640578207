"""First phase of a build: inputs become staged chunks of rows, by bucket."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

from protclip_td.data.digests import text_digest
from protclip_td.data.reading.chunks import Parsed, RawChunk, parse_chunk, raw_chunks
from protclip_td.data.reading.source import DamagedSourceError
from protclip_td.data.store.tally import Tally
from protclip_td.errors import InputError
from protclip_td.protanno.accessions import accession_frames, range_bits
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.frames import read_frame, write_frames
from protclip_td.protanno.inputs import describe_input
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.selecting import surely_dropped
from protclip_td.protanno.side_by_side import side_by_side
from protclip_td.protanno.staged_lines import encode, fine_bits, frames_by_bucket
from protclip_td.protanno.staging import Staging, write_record
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
    bits = plan["bits"]
    readers = [_Reader(staging, *numbered) for numbered in enumerate(plan["inputs"])]
    chunks_of_each = [reader.missing_chunks(progress) for reader in readers]
    with side_by_side(chunks_of_each, pool.jobs) as missing:
        tasks = ((chunk, options, bits, path) for chunk, path in missing)
        for entries in pool.run(stage_chunk, tasks):
            progress.count(entries)
    _check(staging, readers)
    chunks = [path for reader in readers for path in reader.chunks]
    staged = sum(summary["staged_bytes"] for summary in summaries(chunks))
    read = {
        "inputs": [reader.record() for reader in readers],
        "chunks": [path.name for path in chunks],
        "bits": fine_bits(bits, staged),
    }
    write_record(staging.read, read)


class _Reader:
    """Cuts an input into chunks and keeps account of them."""

    def __init__(self, staging: Staging, number: int, before: dict[str, Any]) -> None:
        self._folder, self._number, self._before = staging.chunks, number, before
        self._path, self._digest = Path(before["path"]), hashlib.sha256()
        self.name: str = before["name"]
        self.chunks: list[Path] = []
        self.damage: DamagedSourceError | None = None

    def missing_chunks(self, progress: Progress) -> Iterator[tuple[RawChunk, Path]]:
        """The chunks that are not staged yet, and where they belong."""
        done = 0
        try:
            for chunk in raw_chunks(self._path, size=CHUNK_BYTES, digest=self._digest):
                place = self._folder / _chunk_name(self._number, chunk)
                self.chunks.append(place)
                progress.advance(chunk.file_bytes - done)
                done = chunk.file_bytes
                if not place.exists():
                    yield chunk, place
        except DamagedSourceError as damage:
            self.damage = damage
        progress.advance(self._before["size"] - done)

    def changed(self) -> bool:
        """Whether the file is another one than when the build was begun."""
        return not describe_input(self._path).items() <= self._before.items()

    def record(self) -> dict[str, Any]:
        """What the manifest says of the input, once it was read."""
        digest = self._digest.hexdigest()
        return {"name": self.name, "size": self._before["size"], "sha256": digest}


def _check(staging: Staging, readers: Sequence[_Reader]) -> None:
    """Raise what was wrong with the inputs, now that all of them were read."""
    changed = [reader.name for reader in readers if reader.changed()]
    if changed:
        raise InputError(
            f"{', '.join(changed)} changed while it was read; once it is complete, call again "
            "with --resume: what is the same in it is not read again"
        )
    damage = [reader.damage for reader in readers if reader.damage]
    if damage:
        raise InputError(
            "; ".join(f"{each.path}: {each.what}" for each in damage)
            + f". What was read before the damage is kept in {staging.root}; put a whole "
            "file in its place and call again with --resume"
        ) from damage[0]


def _chunk_name(number: int, chunk: RawChunk) -> str:
    content = hashlib.blake2b(chunk.header + chunk.data, digest_size=8).hexdigest()
    return f"{number:03d}-{chunk.begin:015d}-{content}.frames"


def input_of(path: Path) -> int:
    """The number of the input that a staged chunk is of."""
    return int(path.name.partition("-")[0])


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
    write_frames(path, _frames(parsed, options, bits))
    return len(parsed.entries)


def _frames(parsed: Parsed, options: BuildOptions, bits: int) -> Iterator[tuple[str, bytes]]:
    tally, dropped = Tally(), Counter[str]()
    tally.add(parsed.entries)
    digests = [text_digest(entry.sequence) for entry in parsed.entries]
    reasons = [surely_dropped(entry, options) for entry in parsed.entries]
    dropped.update(filter(None, reasons))
    staged = [reason is None for reason in reasons]
    rows = compress(zip(parsed.entries, digests), staged)
    lines = [encode(entry, digest) for entry, digest in rows]
    summary = {
        "tally": tally.as_dict(),
        "dropped": dropped,
        "rejections": parsed.rejections,
        "staged_bytes": sum(map(len, lines)),
    }
    yield _SUMMARY, json.dumps(summary).encode()
    # Of all entries: which of an accession's is the first does not depend on what is kept.
    yield from accession_frames(parsed.entries, digests, staged, range_bits(bits))
    yield from frames_by_bucket(lines, bits, _NO_FLUSH)


def summaries(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """What `stage_chunk` noted of each chunk: its tally, and what it dropped and rejected."""
    for path in paths:
        yield json.loads(read_frame(path, _SUMMARY))
