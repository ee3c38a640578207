"""What has to be run, and how far each of it has come, as seen in its folder."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark, Case
from protclip_td.benchmark.identity import (
    Identity,
    are_alike,
    from_record,
    settings_in_words,
    to_record,
)
from protclip_td.config.document import read_document
from protclip_td.errors import InputError
from protclip_td.training.data_manifest import DATA_MANIFEST, read_data_manifest
from protclip_td.training.disk import write_run_json
from protclip_td.training.run_folder import RUN_CONFIG

#: What an encoder is called in the table and the picture, by its role.
ROLE_TITLES = {"model": "this encoder", "control": "control"}
_JOB_FILE = "job.json"


@dataclass(frozen=True)
class Job:
    """One run: a case with an encoder and a seed.

    Parameters:
        benchmark (Benchmark): what it belongs to
        case (Case): what is run
        role (str): ``model``, or ``control`` to compare with
        seed (int): seed of the run
        folder (Path): its own folder, below that of all results
    """

    benchmark: Benchmark
    case: Case
    role: str
    seed: int
    folder: Path

    def __str__(self) -> str:
        control = "control, " if self.role == "control" else ""
        return f"{self.case.name} ({control}seed {self.seed})"

    def find_begun(self) -> Path | None:
        """The last run that was begun, to resume."""
        return max((path.parent for path in self.folder.glob(f"*/{RUN_CONFIG}")), default=None)

    def claim(self, setup: Mapping[str, Identity]) -> None:
        """Mark the folder as belonging to one setup, unless no run was begun in it.

        Parameters:
            setup (dict): encoder and flags by name

        Raises:
            InputError: it belongs to another one already
        """
        path = self.folder / _JOB_FILE
        if path.is_file() and self.find_begun():
            found = _read_setup(path)
            if not are_alike(found, setup):
                raise InputError(
                    f"{self.folder} was run with {settings_in_words(found)}, and now it would be "
                    f"with {settings_in_words(setup)}. Give the same settings, or another folder "
                    "with -o; if two results folders were mixed, take them apart"
                )
            return
        write_run_json(path, to_record(setup))


def _read_setup(path: Path) -> dict[str, Identity]:
    try:
        return from_record(json.loads(path.read_text()))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged or from another version; give another folder with -o, or remove "
            f"{path.parent} to have it run again"
        ) from error


class Result(NamedTuple):
    """What a finished run has left in its folder.

    Parameters:
        job (Job): what was run
        run (Path): run folder
        epoch (int): epoch that was tested
        split (str): split that it was tested on, ``test`` as a rule
        metrics (dict): values by name; NaN where one is undefined
        manifest (dict): what the data were; empty if the file is not there
        config (dict): what was run
    """

    job: Job
    run: Path
    epoch: int
    split: str
    metrics: dict[str, float]
    manifest: dict[str, Any]
    config: dict[str, Any]


def read_result(job: Job) -> Result | None:
    """The result of a job, or None before its run has finished."""
    path = min(job.folder.glob("*/results.json"), default=None)
    if path is None:
        return None
    try:
        metrics = json.loads(path.read_text())
        # Read and not checked: its encoder may be gone by now.
        config = read_document(path.with_name(RUN_CONFIG).read_text()).values
        epoch, split = metrics.pop("epoch"), metrics.pop("split", "test")
        values = {name: _metric(value) for name, value in metrics.items()}
        if {type(epoch), type(config["train"]["num_epoch"])} != {int}:
            raise TypeError("epochs are whole numbers")
    except (OSError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(
            f"{path.parent} holds no result that can be read ({error!r}); remove it to have it "
            "run again"
        ) from error
    file = path.with_name(DATA_MANIFEST)
    manifest = read_data_manifest(file) if file.is_file() else {}
    return Result(job, path.parent, epoch, split, values, manifest, config)


def _metric(value: Any) -> float:
    """A metric as JSON has it; null where it is undefined."""
    if type(value) not in (int, float, type(None)):
        raise TypeError(f"{value!r} is no metric")
    return math.nan if value is None else float(value)


def present(folder: Path) -> list[Benchmark]:
    """Benchmarks that have a run in a folder of results."""
    return [
        benchmark
        for benchmark in BENCHMARKS
        if any((folder / "runs" / case.name).is_dir() for case in benchmark.cases)
    ]


def plan(benchmark: Benchmark, runs: Sequence[tuple[str, int]], folder: Path) -> Iterator[Job]:
    """The jobs of a benchmark in the order in which they are run.

    Parameters:
        benchmark (Benchmark): which
        runs (list of (str, int)): role of the encoder and seed, the same for each of its cases
        folder (Path): folder of all results
    """
    for case in benchmark.cases:
        for role, seed in runs:
            path = folder / "runs" / case.name / f"{role}-seed{seed}"
            yield Job(benchmark, case, role, seed, path)
