"""Advances several iterators at the same time."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


@contextmanager
def side_by_side(iterators: Sequence[Iterator[T]], threads: int) -> Iterator[Iterator[T]]:
    """The items of several iterators as they come, those of each in its order.

    Each of up to `threads` iterators works on its next item in a thread while others' are used,
    which is worth it for what leaves Python's lock alone, such as unpacking and checksums.

    Parameters:
        iterators (sequence of iterator): what to advance
        threads (int): how many at the same time; with 1 they follow one another in this thread

    Example::

        >>> with side_by_side([iter("ab"), iter("c")], 2) as items:
        ...     sorted(items)
        ['a', 'b', 'c']
    """
    if threads == 1:
        yield chain.from_iterable(iterators)
        return
    # Threads must end here: were they to end with a generator that is left behind, garbage
    # collection could wait for them while it is itself inside the start of a thread, for ever.
    with ThreadPoolExecutor(threads) as pool:
        yield _advance(iterators, threads, pool)


def _advance(
    iterators: Sequence[Iterator[T]], threads: int, pool: ThreadPoolExecutor
) -> Iterator[T]:
    waiting = deque(iterators)
    running: dict[Future[T], Iterator[T]] = {}
    while waiting or running:
        while waiting and len(running) < threads:
            iterator = waiting.popleft()
            running[pool.submit(next, iterator, _END)] = iterator
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            iterator, item = running.pop(future), future.result()
            if item is not _END:
                running[pool.submit(next, iterator, _END)] = iterator
                yield item
