"""The folder in which a build is under way, and what it was asked for."""

import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protclip_td.data.source import check_file
from protclip_td.errors import InputError
from protclip_td.protanno.frames import write_json
from protclip_td.version import __version__

_NAME = ".building"
_PATIENCE = 5  # seconds, for the workers of a killed build to end


class Staging:
    """Where the phases of a build leave their results until it is finished.

    It is inside the folder of the store, so that moving what is finished is a rename.

    Parameters:
        folder (Path): of the store
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / _NAME
        self.plan = self.root / "plan.json"
        self.excluded = self.root / "excluded.json"
        self.chunks = self.root / "chunks"
        self.read = self.root / "read.json"
        self.coarse = self.root / "coarse"
        self.accessions = self.root / "accessions"
        self.buckets = self.root / "buckets"
        self.sorted = self.root / "sorted.json"
        self.parts = self.root / "parts"
        self.written = self.root / "written"
        self.result = self.root / "result"
        self.manifest = self.result / "manifest.json"

    def make(self) -> None:
        """Make the folders that are not there yet."""
        folders = (self.chunks, self.coarse, self.accessions, self.buckets, self.written)
        for folder in (*folders, self.result):
            folder.mkdir(parents=True, exist_ok=True)

    def chunk_paths(self) -> list[Path]:
        """The chunks that make up the inputs, in their order, once all are read."""
        return [self.chunks / name for name in load(self.read)["chunks"]]

    def forget_chunks(self) -> None:
        """Remove what is not needed once the buckets are there."""
        for folder in (self.chunks, self.coarse, self.accessions):
            shutil.rmtree(folder, ignore_errors=True)


def load(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text())


@contextmanager
def lock(staging: Staging) -> Iterator[None]:
    """Keep other builds away from the folder.

    Raises:
        InputError: another build is at work there
    """
    with (staging.root / "lock").open("w") as file:
        _acquire(file.fileno(), staging)
        yield


def _acquire(descriptor: int, staging: Staging) -> None:
    for _ in range(_PATIENCE * 10):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
    raise InputError(f"another build is at work in {staging.root.parent}; wait for it to end")


def describe_input(path: Path) -> dict[str, Any]:
    """What tells whether a file is still the same."""
    status = check_file(path).stat()
    return {"path": str(path.absolute()), "size": status.st_size, "changed": status.st_mtime_ns}


def begin(
    staging: Staging,
    inputs: list[dict[str, Any]],
    options: dict[str, Any],
    bits: int,
    resume: bool,
) -> dict[str, Any]:
    """Write down what is asked for, or make sure that it is what was asked for before.

    Parameters:
        staging (Staging): where the build is
        inputs (list of dict): see `describe_input`
        options (dict): everything else that decides what comes out
        bits (int): logarithm of the number of coarse buckets, if nothing is staged yet
        resume (bool): inputs may have been replaced; what is the same in them is not read again

    Returns:
        dict: the plan

    Raises:
        InputError: what is staged belongs to other inputs or options
    """
    options = json.loads(json.dumps({**options, "version": __version__}))
    if staging.plan.exists():
        plan = load(staging.plan)
        _check_options(staging, plan["options"], options)
        if not _check_inputs(staging, plan["inputs"], inputs, resume):
            staging.read.unlink(missing_ok=True)
            _forget_results(staging)
        bits = plan["bits"]
    plan = {"inputs": inputs, "options": options, "bits": bits}
    write_json(staging.plan, plan)
    return plan


def _forget_results(staging: Staging) -> None:
    """What was made of other inputs."""
    for path in (staging.sorted, staging.manifest):
        path.unlink(missing_ok=True)
    for folder in (staging.coarse, staging.accessions, staging.buckets, staging.written):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(staging.parts, ignore_errors=True)
    staging.make()


def _check_options(staging: Staging, before: dict[str, Any], now: dict[str, Any]) -> None:
    other = [
        f"{key} was {before.get(key)!r} and is {now.get(key)!r}"
        for key in now
        if before.get(key) != now[key]
    ]
    if other:
        raise InputError(
            f"{staging.root} holds an unfinished build with other options: {'; '.join(other)}. "
            f"Give the same options to go on, or remove {staging.root} to begin anew"
        )


def _check_inputs(
    staging: Staging, before: list[dict[str, Any]], now: list[dict[str, Any]], resume: bool
) -> bool:
    """Whether the inputs are unchanged."""
    if [i["path"] for i in before] != [i["path"] for i in now]:
        raise InputError(
            f"{staging.root} holds an unfinished build of other inputs: "
            f"{', '.join(i['path'] for i in before)}. Give the same to go on, or remove "
            f"{staging.root} to begin anew"
        )
    changed = [new["path"] for old, new in zip(before, now) if old != new]
    if changed and not resume:
        raise InputError(
            f"{', '.join(changed)} changed since the unfinished build in {staging.root} was begun; "
            "with --resume it goes on, and what is the same in the file is not read again"
        )
    return not changed
