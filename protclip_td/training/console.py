"""What the user sees, and what goes to log.txt instead."""

import logging
import sys
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

from tqdm import tqdm

from protclip_td.wording import fold

# TorchDrug reports every step at warning level to the terminal; Python's warnings interrupt bars.
_TO_FILE = ("torchdrug", "py.warnings")
_TO_BOTH = ("protclip_td",)
_FORMAT = logging.Formatter("%(asctime)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")


class Console:
    """Prints for the user, and sends log messages where they belong for the time of a block.

    Messages of TorchDrug and Python's warnings go to the run's ``log.txt``; those of this package
    go there and to the terminal. Until there is a ``log.txt`` they are kept. The root logger is
    left alone.

    Parameters:
        is_shown (bool): False on all ranks but one, which stay silent
    """

    def __init__(self, is_shown: bool = True) -> None:
        self.is_shown = is_shown
        self._file = MemoryHandler(100_000, flushLevel=logging.CRITICAL + 1, flushOnClose=False)
        self._before: list[tuple[logging.Logger, bool]] = []

    def say(self, text: str = "") -> None:
        """Print text above any progress bar."""
        if self.is_shown:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()

    def log_to(self, path: Path) -> None:
        """Write all messages to this file from now on, those kept so far first."""
        handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(_FORMAT)
        self._file.setTarget(handler)
        self._file.capacity = 1
        self._file.flush()

    def __enter__(self) -> "Console":
        logging.captureWarnings(True)
        terminal = _Notes(self)
        for name in (*_TO_FILE, *_TO_BOTH):
            logger = logging.getLogger(name)
            self._before.append((logger, logger.propagate))
            logger.propagate = False
            logger.addHandler(self._file)
            if name in _TO_BOTH:
                logger.addHandler(terminal)
        self._terminal = terminal
        return self

    def __exit__(self, *_: object) -> None:
        logging.captureWarnings(False)
        for logger, propagate in self._before:
            logger.propagate = propagate
            logger.removeHandler(self._file)
            logger.removeHandler(self._terminal)
        if self._file.target is not None:
            self._file.target.close()
        self._file.close()


class _Notes(logging.Handler):
    """Shows messages as plain notes."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: Any) -> None:
        self.console.say(fold(f"note: {record.getMessage()}"))
