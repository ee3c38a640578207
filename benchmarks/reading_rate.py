"""How fast a store gives rows."""

import time
from typing import Any

import numpy as np


def rows_per_second(reader: Any, rows: np.ndarray, seconds: float, batch: int) -> float:
    """Rows per second in batches, sequences and texts decoded, for so many seconds at most."""
    done, start = 0, time.perf_counter()
    while done < len(rows) and time.perf_counter() - start < seconds:
        done += len(reader.read(rows[done : done + batch]))
    return done / (time.perf_counter() - start)
