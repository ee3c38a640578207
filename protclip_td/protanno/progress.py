"""How far a build is, for people at a terminal."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


class Progress:
    """A bar for each phase; nothing at all where the output is no terminal.

    Parameters:
        total (int): bytes of all inputs
        quiet (bool, optional): no bars in any case
    """

    def __init__(self, total: int, quiet: bool = False) -> None:
        self._disable = True if quiet else None  # None: unless the output is a terminal
        self._total = total
        self._bar: tqdm | None = None
        self._entries = 0
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The bar of the first phase: compressed bytes, entries per second, time that remains."""
        with tqdm(
            total=self._total, desc="reading", unit="B", unit_scale=True, disable=self._disable
        ) as self._bar:
            yield

    def advance(self, size: int) -> None:
        """Some more bytes are read; may be called from any thread."""
        with self._lock:
            if self._bar is not None:
                self._bar.update(size)

    def count(self, entries: int) -> None:
        """Some more entries are read."""
        self._entries += entries
        if self._bar is not None and not self._bar.disable:
            rate = self._entries / max(self._bar.format_dict["elapsed"], 1e-9)
            with self._lock:
                self._bar.set_postfix_str(f"{self._entries:,} entries, {rate:,.0f}/s")

    def steps(self, name: str, results: Iterable[T], total: int, done: int) -> Iterator[T]:
        """A bar for tasks of the same size."""
        yield from tqdm(
            results, name, total=total, initial=done, unit=" steps", disable=self._disable
        )
