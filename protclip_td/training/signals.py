"""Ctrl-C and SIGTERM: a stop after the current step, or at once and for certain."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from torchdrug.utils import comm

# torchrun passes on the Ctrl-C that the terminal has already sent to every process.
_SAME_REQUEST_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """Training has stopped on a signal, with a checkpoint written.

    Leaving the program through it gives the exit status that shells expect: 130 for SIGINT, 143
    for SIGTERM.

    Parameters:
        signum (int): the signal
        step (int): optimizer steps done
        is_agreed (bool, optional): whether all ranks stop there
    """

    def __init__(self, signum: int, step: int, is_agreed: bool = True) -> None:
        self.status = 128 + signum
        super().__init__(self.status)
        self.signal_name = signal.Signals(signum).name
        self.step = step
        self.is_agreed = is_agreed


class StopRequest:
    """Remembers the first SIGINT or SIGTERM for the time of a `with` block.

    A second SIGINT, a second or more later, kills the process at once: checkpoints are safe at
    any moment. The first process says so when it is asked, since a step can take long: that of a
    task on a graph computes the vectors of all proteins if there are none yet. Outside the main
    thread, where Python allows no handlers, nothing is caught.

    Example::

        >>> with StopRequest() as stop:
        ...     while not stop:
        ...         step()
    """

    signals = _SIGNALS

    def __init__(self) -> None:
        self.signum: int | None = None
        self._since = 0.0
        self._owner = os.getpid()
        self._before: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self.signum is not None

    def __enter__(self) -> "StopRequest":
        self._before = _set_handlers(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        _put_back(self._before)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        # Data-loader workers inherit this handler; they end with their parent, not before it.
        if os.getpid() != self._owner:
            return
        now = time.monotonic()
        if self.signum is None:
            self.signum, self._since = signum, now
            if comm.get_rank() == 0:
                again = "another Ctrl-C" if signum == signal.SIGINT else "Ctrl-C"
                _say(
                    f"{signal.Signals(signum).name}: stopping once a checkpoint can be written; "
                    f"{again} stops at once"
                )
        elif signum == signal.SIGINT and now - self._since > _SAME_REQUEST_SECONDS:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)


@contextmanager
def ending_on_signals() -> Iterator[Callable[[], None]]:
    """Let SIGINT and SIGTERM end the block at once, and give a function that makes sure of it.

    Python drops what is raised while it collects garbage, a Ctrl-C included. The function raises
    it again: call it between two pieces of work. Ends by KeyboardInterrupt, or SystemExit for
    SIGTERM, with the exit status that shells expect. A signal that a `StopRequest` inside has
    taken is that one's business.

    Example::

        >>> with ending_on_signals() as end_if_asked:
        ...     for number in range(3):
        ...         print("job", number)
        ...         end_if_asked()
        job 0
        job 1
        job 2
    """
    came: list[int] = []

    def end_if_asked() -> None:
        if came:
            raise KeyboardInterrupt if came[0] == signal.SIGINT else SystemExit(128 + came[0])

    def handle(signum: int, frame: FrameType | None) -> None:
        came.append(signum)
        end_if_asked()

    before = _set_handlers(handle)
    try:
        yield end_if_asked
    finally:
        _put_back(before)


def _set_handlers(handle: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Handle signals in another way; returns the former ones, none outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {signum: signal.signal(signum, handle) for signum in _SIGNALS}


def _put_back(handlers: dict[int, Any]) -> None:
    for signum, handler in handlers.items():
        if handler is not None:  # not set from Python, which cannot put it back
            signal.signal(signum, handler)


def _say(text: str) -> None:
    """Print a line; Python's own streams may be in use when a signal comes."""
    with suppress(OSError):
        os.write(2, f"\n{text}\n".encode())
