"""How far a build is: bars for people at a terminal, now and then a line for a log."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

#: Seconds from one line to the next where the output is no terminal.
EVERY = 60.0


class Progress:
    """A bar for each phase; a plain line every minute where the output is no terminal.

    Parameters:
        total (int): bytes of all inputs
        quiet (bool, optional): show nothing in any case
    """

    def __init__(self, total: int, quiet: bool = False) -> None:
        is_terminal = sys.stderr.isatty()
        self._no_bars, self._no_lines = quiet or not is_terminal, quiet or is_terminal
        self._total, self._read, self._entries = total, 0, 0
        self._bar: tqdm | None = None
        self._begin = self._said = time.monotonic()
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The bar of the first phase: compressed bytes, entries per second, time that remains."""
        with tqdm(
            total=self._total, desc="reading", unit="B", unit_scale=True, disable=self._no_bars
        ) as self._bar:
            yield

    def advance(self, size: int) -> None:
        """Some more bytes are read; may be called from any thread."""
        with self._lock:
            self._read += size
            if self._bar is not None:
                self._bar.update(size)

    def count(self, entries: int) -> None:
        """Some more entries are read."""
        with self._lock:
            self._entries += entries
            rate = self._entries / max(time.monotonic() - self._begin, 1e-9)
            words = f"{self._entries:,} entries, {rate:,.0f}/s"
            if self._bar is not None and not self._bar.disable:
                self._bar.set_postfix_str(words)
            self._say(f"reading: {self._read / max(self._total, 1):.0%}, {words}")

    def steps(self, name: str, results: Iterable[T], total: int, done: int) -> Iterator[T]:
        """A bar for tasks of the same size."""
        bar = tqdm(results, name, total=total, initial=done, unit=" steps", disable=self._no_bars)
        for number, result in enumerate(bar, start=done + 1):
            self._say(f"{name}: {number:,} of {total:,} steps")
            yield result

    def _say(self, line: str) -> None:
        now = time.monotonic()
        if not self._no_lines and now - self._said >= EVERY:
            self._said = now
            print(line, file=sys.stderr, flush=True)
