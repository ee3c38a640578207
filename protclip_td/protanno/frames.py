"""Files of compressed frames by key: what waits on disk between two phases of a build."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from protclip_td.whole_files import replace_file

_CODEC = pa.Codec("zstd", compression_level=1)
_LENGTH = 8  # bytes, of the index's own size at the end of a file


def write_frames(path: Path, frames: Iterable[tuple[str, bytes]]) -> None:
    """Write frames one after the other, whole or not at all; a key may come more than once."""
    replace_file(path, lambda file: _write(file, frames), sync=False)


def _write(file: BinaryIO, frames: Iterable[tuple[str, bytes]]) -> None:
    index: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    begin = 0
    for key, data in frames:
        size = file.write(_CODEC.compress(data, asbytes=True))
        index[key].append((begin, size, len(data)))
        begin += size
    size = file.write(json.dumps(index).encode())
    file.write(size.to_bytes(_LENGTH, "little"))


def read_frame(path: Path, key: str) -> bytes:
    """All that a file of frames has of a key, b"" if it has none."""
    with path.open("rb") as file:
        end = file.seek(-_LENGTH, os.SEEK_END)
        size = int.from_bytes(file.read(_LENGTH), "little")
        file.seek(end - size)
        index = json.loads(file.read(size))
        parts = []
        for begin, stored, length in index.get(key, ()):
            file.seek(begin)
            parts.append(_CODEC.decompress(file.read(stored), length, asbytes=True))
    return b"".join(parts)
