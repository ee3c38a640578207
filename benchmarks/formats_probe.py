"""Writes or reads the rows in one format; `store_formats.py` runs it in a fresh process.

Command line: settings as JSON. The last line of the output is the result as JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import pyarrow as pa
from formats_rows import Group, drawn_rows, groups_of, open_rows
from reading_rate import rows_per_second

Row = tuple[Any, ...]
BATCH = 64
_FORK_SECONDS = 20


class Reader(Protocol):
    """A store that is open for reading."""

    def read(self, rows: np.ndarray) -> list[Row]:
        """The columns of some rows."""


def write(kind: str, table: pa.Table, groups: Sequence[Group], folder: Path) -> None:
    """Write all rows; `kind` is such as "parquet 512" or "parquet 512 level 3"."""
    name, *settings = kind.split()
    if settings:
        from formats_blocks import write_arrow, write_parquet

        block, *level = (int(word) for word in settings if word.isdigit())
        if name == "parquet":
            write_parquet(table, groups, folder, block, *level)
        else:
            write_arrow(table, groups, folder, block)
    elif name == "lance":
        from formats_lance import write_lance

        write_lance(table, folder)
    else:
        from formats_rowwise import write_lmdb, write_plain_arrow

        {"arrow": write_plain_arrow, "lmdb": write_lmdb}[name](table, folder)


def opener(kind: str, groups: Sequence[Group], folder: Path) -> Callable[[], Reader]:
    """What opens a store for reading, with its library imported already."""
    name, *settings = kind.split()
    if settings:
        from formats_blocks import read_arrow, read_parquet

        read = {"parquet": read_parquet, "arrow": read_arrow}[name]
        return lambda: read(folder, groups, int(settings[0]))
    if name == "lance":
        from formats_lance import LanceReader

        return lambda: LanceReader(folder)
    from formats_rowwise import LmdbReader, PlainArrowReader

    return lambda: {"arrow": PlainArrowReader, "lmdb": LmdbReader}[name](folder)


def measure_reading(
    kind: str, table: pa.Table, groups: list[Group], folder: Path, seconds: float
) -> dict[str, Any]:
    """Opening, both orders of reading, and reading on in a forked process."""
    size = len(table)
    block = int((kind.split()[1:] or [512])[0])
    at_random = np.random.default_rng(0).integers(0, size, size)
    drawn = drawn_rows(groups, size, block)
    check = table.slice(size // 2, 1).to_pylist()[0]
    open_store = opener(kind, groups, folder)  # imports what it takes
    memory, start = psutil.Process().memory_info().rss, time.perf_counter()
    reader = open_store()
    opened = time.perf_counter() - start
    row = reader.read(np.array([size // 2]))[0]
    assert row[:2] == (check["accession"], check["sequence"]), row
    result = {
        "open_seconds": opened,
        "drawn_rows_per_second": rows_per_second(reader, drawn, seconds, BATCH),
        "random_rows_per_second": rows_per_second(reader, at_random, seconds, BATCH),
        "memory_mb": (psutil.Process().memory_info().rss - memory) / 1e6,
    }
    return {**result, "forks": _reads_after_fork(reader, drawn[:BATCH])}


def _reads_after_fork(reader: Reader, rows: np.ndarray) -> bool:
    """Whether a forked process can read on from a store that its parent has read from."""
    child = os.fork()
    if child == 0:
        os._exit(0 if len(reader.read(rows)) == len(rows) else 1)
    deadline = time.monotonic() + _FORK_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main() -> None:
    """Do what the settings say."""
    settings = json.loads(sys.argv[1])
    table, folder = open_rows(Path(settings["rows"])), Path(settings["folder"])
    groups, kind = groups_of(table), settings["kind"]
    if settings["write"]:
        folder.mkdir()
        start = time.perf_counter()
        write(kind, table, groups, folder)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        result = {"bytes": size, "built_rows_per_second": len(table) / seconds}
    else:
        result = measure_reading(kind, table, groups, folder, settings["seconds"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
