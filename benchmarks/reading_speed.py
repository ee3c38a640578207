"""How many flat-file entries one core reads per second, beside Biopython's parser.

    python benchmarks/reading_speed.py

The input is made of the sample's real entries, cut down to what an entry of TrEMBL holds (2 to 4
KB): long reference, comment and feature blocks are left out. Repeated entries pack better than
real ones, so unpacking is measured a little too well; it is a small part of the time.
"""

import argparse
import gzip
import io
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from Bio import SwissProt

from protclip_td.data.built_in import SAMPLE
from protclip_td.data.reading.chunks import parse_chunk, raw_chunks
from protclip_td.data.reading.read_options import ReadOptions

#: How many lines an entry keeps of each kind that can be long.
KEPT_LINES = {"RN": 1, "RP": 1, "RC": 1, "RX": 1, "RA": 2, "RT": 2, "RL": 1, "DR": 12, "FT": 8}
SIZES = range(2000, 4001)


def small_entries(path: Path = SAMPLE) -> list[str]:
    """The entries of a flat file, cut down, that have the size of TrEMBL's then."""
    with gzip.open(path, "rt") as file:
        entries = [_cut(text) + "//\n" for text in file.read().split("//\n") if text.strip()]
    return [entry for entry in entries if len(entry) in SIZES]


def _cut(entry: str) -> str:
    left = dict(KEPT_LINES)
    lines = []
    for line in entry.splitlines(keepends=True):
        kind = line[:2]
        if kind in left:
            left[kind] -= 1
            if left[kind] < 0:
                continue
        lines.append(line)
    return "".join(lines)


def by_us(path: Path) -> Iterator[object]:
    """Unpack, cut, parse."""
    for chunk in raw_chunks(path):
        yield from parse_chunk(chunk, ReadOptions()).entries


def by_biopython(path: Path) -> Iterator[object]:
    """Unpack and parse."""
    with gzip.open(path) as file:
        yield from SwissProt.parse(io.TextIOWrapper(file))


def unpacked_only(path: Path) -> Iterator[object]:
    """Unpack and cut."""
    for chunk in raw_chunks(path):
        yield from range(chunk.data.count(b"\n//\n"))


def rate(read: Callable[[Path], Iterator[object]], path: Path, number: int, times: int) -> float:
    """Entries per second, the best of several times."""
    best = float("inf")
    for _ in range(times):
        begin = time.process_time()
        count = sum(1 for _ in read(path))
        best = min(best, time.process_time() - begin)
        if count != number:
            raise SystemExit(f"{read.__name__}: {count} of {number} entries")
    return number / best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    entries = small_entries()
    text = "".join(islice(cycle(entries), arguments.entries)).encode()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "entries.dat.gz"
        path.write_bytes(gzip.compress(text, 6))
        rates = {
            read: rate(read, path, arguments.entries, arguments.times)
            for read in (by_biopython, by_us, unpacked_only)
        }
    size = len(text) / arguments.entries
    print(f"{arguments.entries} entries of {size:.0f} bytes, {len(entries)} different ones, gzip")
    for read, value in rates.items():
        ratio = value / rates[by_biopython]
        print(
            f"{read.__name__:14} {value:8.0f} entries/s {value * size / 1e6:6.1f} MB/s {ratio:.1f}x"
        )


if __name__ == "__main__":
    main()
