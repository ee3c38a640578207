"""Opens a store and reads from it; `protanno_scale.py` runs it in a fresh process.

Command line: the store's folder and the seconds to spend on each order of reading. The last line
of the output is the result as JSON.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np
import psutil
from reading_rate import rows_per_second

os.environ["PROTCLIP_TD_REGISTER"] = "0"  # a process that only reads
from protclip_td.data.store.reading import Store

_BATCH = 64
_WARM_UP = 256 * _BATCH


def main() -> None:
    """Measure and print the result."""
    folder, seconds = sys.argv[1], float(sys.argv[2])
    result = opening(folder)
    from protclip_td.datasets.sampler import PropertyDrivenSampler  # brings PyTorch along

    store = Store(folder)
    sampler = PropertyDrivenSampler(store.groups, max(len(store), 1_000_000))
    loaded = memory_mb()
    start = time.perf_counter()
    drawn = first_rows(sampler, 1_000_000)
    result["draws_per_second"] = len(drawn) / (time.perf_counter() - start)
    # At first each row is from another block; from then on a block is decoded per 512 rows.
    start = time.perf_counter()
    rows_per_second(store, drawn[:_WARM_UP], 60, _BATCH)
    result["warm_up_seconds"] = time.perf_counter() - start
    result["drawn_rows_per_second"] = rows_per_second(store, drawn[_WARM_UP:], seconds, _BATCH)
    result["read_mb"] = memory_mb() - loaded
    result |= worker_memory(folder, drawn[: 100 * _BATCH])
    at_random = np.random.default_rng(0).integers(0, len(store), 1_000_000)
    result["random_rows_per_second"] = rows_per_second(Store(folder), at_random, seconds, _BATCH)
    print(json.dumps(result))


def opening(folder: str) -> dict[str, float]:
    """Time and memory of the first opening, with whatever it loads."""
    before, start = memory_mb(), time.perf_counter()
    store = Store(folder)
    seconds = time.perf_counter() - start
    assert len(store)
    process = psutil.Process().memory_info().rss / 1e6
    opened = memory_mb() - before
    return {"open_ms": 1000 * seconds, "open_mb": opened, "process_mb": process}


def memory_mb() -> float:
    """Memory of this process that it shares with no other."""
    return psutil.Process().memory_full_info().uss / 1e6


def first_rows(sampler: Any, number: int) -> np.ndarray:
    """What a sampler gives first."""
    return np.fromiter((row for row, _ in zip(sampler, range(number))), dtype=np.int64)


def worker_memory(folder: str, rows: np.ndarray) -> dict[str, float]:
    """Memory in MB that a forked worker takes to open the store, and to read some batches, too."""
    receive, send = os.pipe()
    if os.fork() == 0:
        before = memory_mb()
        store = Store(folder)
        opened = memory_mb() - before
        rows_per_second(store, rows, 60, _BATCH)
        sizes = {"worker_open_mb": opened, "worker_mb": memory_mb() - before}
        os.write(send, json.dumps(sizes).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    main()
