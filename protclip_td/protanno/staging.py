"""The folder in which a build is under way, and what it was asked for."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from protclip_td.data.reading.source import check_file
from protclip_td.errors import InputError
from protclip_td.protanno.input_names import tell_apart
from protclip_td.version import __version__
from protclip_td.whole_files import write_json

_NAME, _DISCARDED = ".building", ".built"
_PATIENCE = 5  # seconds, for the workers of a killed build to end

# Options that apply once everything is read, so that another choice costs no reading again.
_LATER = {
    *("sampling", "confidence_exponent", "coverage_exponent", "seed"),
    *("valid_fraction", "test_fraction", "exclude", "identity", "release"),
}


class Staging:
    """Where the phases of a build leave their results until it is finished.

    It is inside the folder of the store, so that moving what is finished is a rename.

    Parameters:
        folder (Path): of the store
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / _NAME
        self.discarded = folder / _DISCARDED
        self.plan = self.root / "plan.json"
        self.excluded = self.root / "excluded.json"
        self.chunks = self.root / "chunks"
        self.read = self.root / "read.json"
        self.coarse = self.root / "coarse"
        self.accessions = self.root / "accessions"
        self.buckets = self.root / "buckets"
        self.rows = self.root / "rows.npy"
        self.sorted = self.root / "sorted.json"
        self.parts = self.root / "parts"
        self.written = self.root / "written"
        self.result = self.root / "result"
        self.manifest = self.result / "manifest.json"
        self.replaced = self.root / "replaced.json"

    def make(self) -> None:
        """Make the folders that are not there yet."""
        folders = (self.chunks, self.coarse, self.accessions, self.buckets, self.written)
        for folder in (*folders, self.result):
            folder.mkdir(parents=True, exist_ok=True)

    def discard(self) -> None:
        """Remove everything, in a way that another build which begins meanwhile does not notice."""
        self.clean()
        self.root.rename(self.discarded)
        self.clean()

    def clean(self) -> None:
        """Remove what is left if discarding was broken off."""
        shutil.rmtree(self.discarded, ignore_errors=True)

    def chunk_paths(self) -> list[Path]:
        """The chunks that make up the inputs, in their order, once all are read."""
        return [self.chunks / name for name in read_record(self.read)["chunks"]]

    def forget_chunks(self) -> None:
        """Remove what is not needed once the buckets are there."""
        for folder in (self.chunks, self.coarse, self.accessions):
            shutil.rmtree(folder, ignore_errors=True)


def read_record(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text())


def write_record(path: Path, value: Any) -> None:
    """Write down what a step of a build has made, whole or not at all, for `read_record`.

    It does not wait for the disk: after a power cut the step is taken again.
    """
    write_json(path, value, sync=False)


def lock(staging: Staging) -> TextIO:
    """Keep other builds away from the folder until the file that is returned is closed.

    Raises:
        InputError: another build is at work there
    """
    path = staging.root / "lock"
    for _ in range(int(_PATIENCE * 10)):
        staging.root.mkdir(parents=True, exist_ok=True)
        # A build that ends takes its lock away with everything else, maybe at this moment.
        with suppress(FileNotFoundError):
            file = path.open("w")
            if _acquire(file.fileno()) and _is_still(file, path):
                return file
            file.close()
        time.sleep(0.1)
    raise InputError(f"another build is at work in {staging.folder}; wait for it to end")


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: TextIO, path: Path) -> bool:
    """Whether a file that is open is the one that others find under its name."""
    return os.path.samestat(os.fstat(file.fileno()), path.stat())


def describe_inputs(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What a plan says of inputs, all of them different: their names, and `describe_input`."""
    names = tell_apart([path.absolute() for path in paths])
    return [{"name": name, **describe_input(path)} for name, path in zip(names, paths)]


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
        inputs (list of dict): see `describe_inputs`
        options (dict): everything else that decides what comes out
        bits (int): logarithm of the number of coarse buckets, if nothing is staged yet
        resume (bool): inputs may have been replaced; what is the same in them is not read again

    Returns:
        dict: the plan

    Raises:
        InputError: what is staged belongs to other inputs or options
    """
    options = json.loads(json.dumps({**options, "version": __version__}))
    plan: dict[str, Any] = {"inputs": inputs, "options": options, "bits": bits}
    before = read_record(staging.plan) if staging.plan.exists() else plan
    if (before["inputs"], before["options"]) != (inputs, options):
        if _is_worth_keeping(staging):
            _check_options(staging, before["options"], options)
            if not _check_inputs(staging, before["inputs"], inputs, resume):
                staging.read.unlink(missing_ok=True)
            plan["bits"] = before["bits"]
        else:
            staging.read.unlink(missing_ok=True)
            shutil.rmtree(staging.chunks)
        _forget_results(staging)
    else:
        plan = before
    write_record(staging.plan, plan)
    return plan


def _is_worth_keeping(staging: Staging) -> bool:
    """Whether anything was read, and whatever became of it is not that nothing is left."""
    if staging.sorted.exists():
        return any(map(any, read_record(staging.sorted)["after"]["counts"]))
    return any(staging.chunks.glob("*.frames"))


def _forget_results(staging: Staging) -> None:
    """What was made of other inputs or with other options."""
    if staging.sorted.exists():
        staging.read.unlink(missing_ok=True)  # the chunks were removed then
    for path in (staging.sorted, staging.manifest, staging.excluded):
        path.unlink(missing_ok=True)
    results = (staging.coarse, staging.accessions, staging.buckets, staging.written)
    for folder in (*results, staging.parts, staging.result):
        shutil.rmtree(folder, ignore_errors=True)
    staging.make()


def _check_options(staging: Staging, before: dict[str, Any], now: dict[str, Any]) -> None:
    other = [
        f"{key} was {before.get(key)!r} and is {now[key]!r}"
        for key in now
        if before.get(key) != now[key] and not _is_later(key, before.get(key), now[key])
    ]
    if other:
        raise InputError(
            f"{staging.root} holds an unfinished build with other options: {'; '.join(other)}. "
            f"Give the same options to go on, or remove {staging.root} to begin anew"
        )


def _is_later(key: str, before: object, now: object) -> bool:
    """Whether it makes no difference to what is staged that an option is another one."""
    # Merging needs also the entries that are not eligible by themselves.
    return key in _LATER or (key == "identical" and "merge" not in (before, now))


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
