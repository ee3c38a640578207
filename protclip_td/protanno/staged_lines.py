"""Entries as lines of bytes which begin with the hash of their sequence, and buckets of them.

A bucket is a range of hashes: equal sequences are always in the same one.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from protclip_td.data.entry import Entry
from protclip_td.protanno.frames import read_frame

_DIGITS = 16  # of a hash in hex

# `json.dumps` and `json.loads` look at their options each time.
_WRITE = json.JSONEncoder(ensure_ascii=False).encode
_READ = json.JSONDecoder().raw_decode

#: Bytes of lines that a bucket has at most, about; in memory its entries take five times as much.
BUCKET_BYTES = 1 << 22

#: Chunks are cut into at most 2 ** this many buckets, so that what each has of one is no crumb.
COARSE_BITS = 6

_FLUSH = 1 << 15


def encode(entry: Entry, digest: int) -> bytes:
    """An entry as a line, without the line break.

    Parameters:
        entry (Entry): what to keep
        digest (int): the hash of its sequence, see `digests.text_digest`

    Raises:
        UnicodeEncodeError: a text has half a character (a lone surrogate)
    """
    texts = (entry.accession, entry.sequence, *entry.properties)
    fields = (*texts, entry.confidence, entry.reviewed, entry.stated)
    return f"{digest:016x}{_WRITE(fields)}".encode()


def decode(line: bytes) -> Entry:
    """The entry of a line."""
    (accession, sequence, *properties, confidence, reviewed, stated), _ = _READ(
        line.decode(), _DIGITS
    )
    return Entry(accession, sequence, tuple(properties), confidence, reviewed, stated)


def bucket_of(line: bytes, bits: int) -> int:
    """The number of the bucket, of 2 ** bits, that a line belongs to."""
    return int(line[:_DIGITS], 16) >> (64 - bits)


def coarse_bits(input_bytes: int) -> int:
    """Logarithm of the number of buckets that chunks are cut into, for inputs of some bytes."""
    return min(COARSE_BITS, _bits(input_bytes))


def fine_bits(coarse: int, staged_bytes: int) -> int:
    """Logarithm of the number of buckets in the end, for so many bytes of lines."""
    return max(coarse, _bits(staged_bytes))


def _bits(size: int) -> int:
    return max(0, math.ceil(math.log2(max(size, 1) / BUCKET_BYTES)))


def frames_by_bucket(
    lines: Iterable[bytes], bits: int, flush: int = _FLUSH
) -> Iterator[tuple[str, bytes]]:
    """Sort lines into buckets; what is given has the bucket's number as key.

    Parameters:
        lines (iterable of bytes): see `encode`
        bits (int): there are 2 ** bits buckets
        flush (int, optional): bytes of a bucket that are collected before they are given
    """
    waiting: dict[int, list[bytes]] = {}
    sizes: dict[int, int] = {}
    for line in lines:
        bucket = bucket_of(line, bits)
        waiting.setdefault(bucket, []).append(line)
        sizes[bucket] = sizes.get(bucket, 0) + len(line)
        if sizes[bucket] > flush:
            yield str(bucket), _join(waiting.pop(bucket))
            sizes[bucket] = 0
    for bucket in sorted(waiting):
        yield str(bucket), _join(waiting[bucket])


def _join(lines: list[bytes]) -> bytes:
    return b"\n".join([*lines, b""])


def read_lines(paths: Iterable[Path], bucket: int) -> Iterator[bytes]:
    """The lines of a bucket in some files, in the order of the files."""
    for path in paths:
        yield from read_frame(path, str(bucket)).splitlines()
