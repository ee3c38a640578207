"""What has to be run, and how far each of it has come, as its folder tells."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protclip_td.benchmark.catalogue import Benchmark, Case
from protclip_td.benchmark.files import write_json
from protclip_td.errors import InputError

ROLES = ("model", "control")
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

    @property
    def result(self) -> dict[str, Any] | None:
        """Metrics of the finished run, with ``run``, its folder; None before it has finished."""
        for path in sorted(self.folder.glob("*/results.json")):
            return {**json.loads(path.read_text()), "run": str(path.parent)}
        return None

    @property
    def interrupted(self) -> Path | None:
        """The last run that was begun, to go on with."""
        runs = sorted(path.parent for path in self.folder.glob("*/config.yaml"))
        return runs[-1] if runs else None

    def claim(self, fingerprint: str) -> None:
        """Mark the folder as belonging to one benchmark's settings, unless no run was begun in it.

        Parameters:
            fingerprint (str): of encoder and flags

        Raises:
            InputError: it belongs to others already
        """
        path = self.folder / _JOB_FILE
        if path.is_file() and self.interrupted:
            found = json.loads(path.read_text())["fingerprint"]
            if found != fingerprint:
                raise InputError(
                    f"{self.folder} is from another benchmark: its settings are {found}, and those "
                    f"here {fingerprint}. Two results folders are mixed; take them apart, or give "
                    "another folder with -o"
                )
            return
        write_json(path, {"fingerprint": fingerprint})


def plan(
    benchmarks: Sequence[Benchmark], roles: Iterable[str],
    seeds: Callable[[Benchmark, str], Sequence[int]], folder: Path,
) -> Iterator[Job]:  # fmt: skip
    """All jobs in the order in which they are run: benchmark by benchmark.

    Parameters:
        benchmarks (list of Benchmark): which
        roles (list of str): ``model`` and, if there is one, ``control``
        seeds (callable): gives the seeds for a benchmark and a role
        folder (Path): folder of all results
    """
    roles = list(roles)
    for benchmark in benchmarks:
        for case in benchmark.cases:
            for role in roles:
                for seed in seeds(benchmark, role):
                    path = folder / "runs" / case.name / f"{role}-seed{seed}"
                    yield Job(benchmark, case, role, seed, path)
