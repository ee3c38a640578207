"""Where the tasks of a build run: in this process, in processes of this machine, or on Dask.

A task is a function and plain arguments. It leaves its result in a file which it renames into
place, so running it twice does no harm, and one whose worker is lost is simply run again.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_process
from typing import Any, Protocol

from protclip_td.errors import InputError

_ATTEMPTS = 4
_LOOK = 0.2  # seconds between looks whether Ctrl-C was pressed
_PATIENCE = 30  # seconds for a Dask scheduler to answer and to have a worker


class Workers(Protocol):
    """Runs tasks.

    Attributes:
        jobs (int): how many run at the same time
    """

    jobs: int

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Run a function on many arguments.

        Parameters:
            function (callable): of a module, so that other processes find it
            tasks (iterable of tuple): arguments; taken one by one, when there is room for more

        Returns:
            iterator: the results, in the order in which they are done
        """


@contextmanager
def workers(jobs: int, scheduler: str | None = None) -> Iterator[Workers]:
    """The workers that were asked for, for the time of the block.

    Parameters:
        jobs (int): processes of this machine; with 1, everything runs in this one
        scheduler (str, optional): address of a Dask scheduler, which is used instead; its workers
            must see input and output under the same paths

    Raises:
        InputError: the scheduler does not answer, has no worker, or is lost meanwhile
    """
    if scheduler is not None:
        with _dask_executor(scheduler) as (executor, count):
            yield _Pool(lambda: executor, count)
    elif jobs == 1:
        yield _Here()
    else:
        pool = _Pool(lambda: _processes(jobs), jobs)
        try:
            yield pool
        finally:
            pool.stop()


class _Here:
    """Runs each task when its result is asked for."""

    jobs = 1

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        for arguments in tasks:
            yield function(*arguments)


class _Pool:
    """Keeps the processes of an executor busy, with one task waiting for each."""

    def __init__(self, make: Callable[[], Executor], jobs: int) -> None:
        self._make = make
        self.jobs = jobs
        self._executor = make()

    def stop(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        running: dict[Future[Any], tuple[Any, ...]] = {}
        failed: Counter[int] = Counter()
        with _interrupts_kept() as check:
            for arguments in tasks:
                check()
                running[self._submit(function, arguments)] = arguments
                if len(running) > self.jobs:
                    yield from self._collect(function, running, failed, check)
            while running:
                yield from self._collect(function, running, failed, check)

    def _submit(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        try:
            return self._executor.submit(function, *arguments)
        except BrokenProcessPool:
            self._executor = self._make()
            return self._executor.submit(function, *arguments)

    def _collect(
        self,
        function: Callable[..., Any],
        running: dict[Future[Any], tuple[Any, ...]],
        failed: Counter[int],
        check: Callable[[], None],
    ) -> Iterator[Any]:
        """Wait for at least one result; what a lost worker had is begun again."""
        lost = []
        while not (done := wait(running, _LOOK, return_when=FIRST_COMPLETED).done):
            check()
        for future in done:
            arguments = running.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(arguments)
        for arguments in lost:
            failed[id(arguments)] += 1
            if failed[id(arguments)] == _ATTEMPTS:
                raise InputError(_lost(f"a worker process was lost {_ATTEMPTS} times"))
            running[self._submit(function, arguments)] = arguments


@contextmanager
def _interrupts_kept() -> Iterator[Callable[[], None]]:
    """Keep Ctrl-C until the function that is given is called, which then raises it.

    In the middle of `concurrent.futures` it could leave a lock behind for which the end of the
    processes then waits for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None  # only the main thread hears of it
        return
    pressed: list[int] = []

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield check
        check()
    finally:
        signal.signal(signal.SIGINT, before)


def _lost(what: str) -> str:
    return (
        f"{what} at the same task; it may have been killed for want of memory. What is done is "
        "kept: call again, with fewer workers at a time, to go on"
    )


def _processes(jobs: int) -> Executor:
    # Forked processes share what this one has loaded, and begin at once.
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_worker)
    pool.submit(os.getpid)  # which forks them all, now that no thread holds a lock
    return pool


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end when it ends, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    wait_for_process([sentinel])
    os._exit(1)


@contextmanager
def _dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise InputError(
            "--scheduler needs Dask, which is not installed: pip install distributed"
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE)
        client.wait_for_workers(1, timeout=_PATIENCE)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise InputError(
            f"no Dask scheduler with a worker answers at {address} ({error}); start them with "
            "`dask scheduler` and `dask worker ADDRESS`"
        ) from error
    with _muted("distributed.client"), client:
        # pure=False: the same arguments again are a task again, since results are files.
        executor = client.get_executor(pure=False)
        try:
            yield executor, sum(client.nthreads().values())
        except KilledWorker as error:
            raise InputError(_lost(f"Dask workers were lost again and again ({error})")) from error
        except InputError:
            raise
        except Exception as error:
            # A lost connection comes out of Dask as any of several errors, one a TypeError.
            if client.status == "running" and not isinstance(error, CancelledError):
                raise
            raise InputError(
                f"the Dask scheduler at {address} is gone. What is done is kept: start it again, "
                "and its workers, and call again to go on"
            ) from error


@contextmanager
def _muted(name: str) -> Iterator[None]:
    """Keep Dask from printing how it failed to reconnect, beside a message that says it all."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
