"""Runs the jobs one after the other, and keeps the table up to date."""

import gc
import json
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark
from protclip_td.benchmark.checks import check_configs
from protclip_td.benchmark.files import write_json, write_text
from protclip_td.benchmark.jobs import Job, plan
from protclip_td.benchmark.plot import draw_results
from protclip_td.benchmark.results import gather
from protclip_td.benchmark.same_data import with_other_data
from protclip_td.benchmark.settings import SETTINGS_FILE, Settings, keep_settings
from protclip_td.benchmark.table import write_table
from protclip_td.config import Config, load_config, load_resumed
from protclip_td.errors import InputError, TrainingError
from protclip_td.run import run
from protclip_td.training.disk import remove_leftovers
from protclip_td.training.lock import FolderLock
from protclip_td.wording import fold


def run_benchmarks(
    benchmarks: Sequence[Benchmark], settings: Settings, seeds: Sequence[int], folder: Path
) -> int:
    """Run what has not been run yet; one that fails does not keep the others from running.

    Parameters:
        benchmarks (list of Benchmark): which
        settings (Settings): encoders and flags
        seeds (list of int): seeds for each
        folder (Path): folder of all results

    Returns:
        int: number of runs that failed

    Raises:
        InputError: the command line does not fit the configurations, the folder holds results of
            other settings, or another process is at work in it
    """
    check_configs(_jobs(benchmarks, settings, [0], folder), settings)
    with _locked(folder):
        return _Runner(settings, folder).go(_jobs(benchmarks, settings, seeds, folder))


def _jobs(
    benchmarks: Sequence[Benchmark], settings: Settings, seeds: Sequence[int], folder: Path
) -> list[Job]:
    """What is asked for; a control without texts cannot be asked by text."""

    def of(benchmark: Benchmark, role: str) -> Sequence[int]:
        return settings.seeds(benchmark, role, seeds)

    planned = plan(benchmarks, settings.encoders, of, folder)
    return [job for job in planned if job.role == "model" or not job.benchmark.needs_text]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder)
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


class _Runner:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.fingerprints = settings.fingerprints()
        self.failures: dict[str, str] = {}

    def go(self, jobs: Sequence[Job]) -> int:
        keep_settings(self.fingerprints, self.folder)
        about = self._about()
        for job in [*jobs, *self._present()]:
            job.claim(about[job.role])
        try:
            for number, job in enumerate(jobs, 1):
                self._attempt(job, f"[{number}/{len(jobs)}] {job}")
        except (KeyboardInterrupt, SystemExit):
            print("\nInterrupted. The same command goes on where this one stopped.")
            raise
        finally:
            draw_results(self._report(), self.folder / "results.png")
        self._say_what_failed()
        return len(self.failures)

    def _attempt(self, job: Job, title: str) -> None:
        if job.result is not None:
            print(f"{title}: done already")
            return
        print(f"\n{title}\n", flush=True)
        error_file = job.folder / "error.txt"
        error_file.unlink(missing_ok=True)
        try:
            self._run(job)
            self._report()
        except (InputError, TrainingError) as error:
            self.failures[str(job)] = str(error)
        except Exception as error:  # whatever it is, the other benchmarks do not suffer from it
            error_file.write_text(traceback.format_exc())
            self.failures[str(job)] = f"{type(error).__name__}: {error} (see {error_file})"
        if str(job) in self.failures:
            print(fold(f"failed: {self.failures[str(job)]}"), flush=True)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _run(self, job: Job) -> None:
        kept = self.folder / "kept_features"
        config = load_config(job.benchmark.name, self.settings.job_flags(job))
        interrupted = job.interrupted
        if interrupted is not None:
            config = _moved(load_resumed(interrupted), config)
        # The weights of all benchmarks would take much room.
        run(config, resume=interrupted, kept_features=kept, keep_weights=False)
        if job.result is None:
            raise InputError(f"{job} has no result, since its data have no test set")

    def _report(self) -> dict[str, Any]:
        """Write the tables of everything in the folder, whatever was asked for this time."""
        present = self._present()
        other_data = with_other_data(present)
        self.failures |= other_data
        alike = [job for job in present if str(job) not in other_data]
        results = gather(alike, self.failures, self._about())
        write_json(self.folder / "results.json", results)
        write_text(self.folder / "results.md", write_table(results))
        return results

    def _about(self) -> dict[str, str]:
        """Settings of the folder by role; with a control of former times, if there is one."""
        return json.loads((self.folder / SETTINGS_FILE).read_text())

    def _present(self) -> list[Job]:
        """All jobs that have a folder already; folders of other names are somebody else's."""
        names = (path.name for path in self.folder.glob("runs/*/*"))
        found = (re.fullmatch(r"(?:model|control)-seed(-?\d+)", name) for name in names)
        seeds = sorted({int(match[1]) for match in found if match})
        jobs = plan(BENCHMARKS, self._about(), lambda *_: seeds, self.folder)
        return [job for job in jobs if job.folder.is_dir()]

    def _say_what_failed(self) -> None:
        print(f"\nResults: {self.folder}/results.md, results.json and results.png")
        if self.failures:
            print(f"\n{len(self.failures)} failed; the same command tries them again:")
            for job, reason in self.failures.items():
                print(fold(f"  {job}: {reason}"))


def _moved(begun: Config, now: Config) -> Config:
    """The configuration of a run that was begun, with the places of today: data and GPUs."""
    for block, key in (("dataset", "path"), ("engine", "gpus")):
        if key in now.get(block, {}):
            begun[block][key] = now[block][key]
    return begun
