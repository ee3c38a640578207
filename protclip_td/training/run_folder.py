"""The folder of one run: what was run, on what, how it went, and what came out."""

import itertools
import time
from contextlib import suppress
from pathlib import Path

from protclip_td.errors import InputError
from protclip_td.training.data_manifest import DATA_MANIFEST
from protclip_td.training.history import History
from protclip_td.training.lock import FolderLock
from protclip_td.whole_files import remove_leftovers

#: The rendered configuration.
RUN_CONFIG = "config.yaml"
#: The same as it was when the run was begun.
BEGUN_CONFIG = ".config.yaml"
# What each file is for, in the order in which they are shown at the end of a run.
CONTENTS = {
    RUN_CONFIG: "the config as it was run, variables filled in",
    "versions.json": "Python, packages, platform and git revision",
    DATA_MANIFEST: "where the data is from, and how much of it",
    "metrics.jsonl": "losses of each step, metrics of each epoch",
    "metrics.csv": "metrics of each epoch, as a table",
    "curves.png": "the curves of both",
    "results.json": "the best checkpoint on the test split",
    "checkpoints/best.pt": "of the epoch with the best validation",
    "checkpoints/last.pt": "where --resume goes on",
    "checkpoints/previous.pt": "the one before, should last.pt be damaged",
    "checkpoints/fixed.pt": "what is not trained; the other checkpoints need it",
    "model": "the best model, for from_pretrained and configs",
    "log.txt": "all messages, TorchDrug's included",
}


def check_run_folder(path: Path) -> None:
    """Make sure that a folder is one run's.

    Raises:
        InputError: it is not
    """
    if not (path / RUN_CONFIG).is_file():
        raise InputError(
            f"{path} is not a run folder: it has no {RUN_CONFIG}. Give the folder of one run, "
            "which is named after the time of its start"
        )


class RunFolder:
    """One run's folder, locked for this process.

    Parameters:
        path (Path): an existing folder

    Raises:
        InputError: another process is using it
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = FolderLock(path)
        remove_leftovers(path)
        remove_leftovers(path / "checkpoints")
        self.history = History(path)

    @classmethod
    def create(cls, output_dir: str | Path) -> "RunFolder":
        """Make ``<output_dir>/<date>_<time>``, with a number behind it if that is taken.

        Parameters:
            output_dir (str or Path): folder of all runs of a config

        Raises:
            InputError: no folder can be made there
        """
        parent = Path(output_dir).expanduser()
        name = time.strftime("%Y-%m-%d_%H-%M-%S")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for suffix in itertools.chain([""], (f".{n}" for n in itertools.count(2))):
                path = parent / (name + suffix)
                with suppress(FileExistsError):
                    path.mkdir()
                    break
        except OSError as error:
            raise InputError(
                f"output_dir: no folder can be made in {parent}: {error.strerror}"
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Open the folder of an earlier run.

        Raises:
            InputError: it is no run folder, or in use
        """
        path = Path(path).expanduser()
        check_run_folder(path)
        return cls(path)

    def tree(self) -> str:
        """Draw what is in the folder, a line of explanation each."""
        shown = [(name, text) for name, text in CONTENTS.items() if (self.path / name).exists()]
        width = max((len(name) for name, _ in shown), default=0)
        lines = [f"  {name:<{width}}  {text}" for name, text in shown]
        return "\n".join([f"{self.path}/", *lines])

    def close(self) -> None:
        """Let other processes use the folder."""
        self.lock.release()
