"""Runs the jobs one after the other, and keeps the table up to date."""

import gc
import json
import shutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark
from protclip_td.benchmark.jobs import Job, plan
from protclip_td.benchmark.plot import draw_results
from protclip_td.benchmark.results import gather
from protclip_td.benchmark.settings import SETTINGS_FILE, Settings, keep_settings
from protclip_td.benchmark.table import write_table
from protclip_td.config import load_config, load_resumed
from protclip_td.errors import InputError, TrainingError
from protclip_td.run import run
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
        InputError: the folder holds results of other settings
    """
    return _Runner(settings, folder).go(benchmarks, seeds)


class _Runner:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.fingerprints = settings.fingerprints()
        self.failures: dict[str, str] = {}

    def go(self, benchmarks: Sequence[Benchmark], seeds: Sequence[int]) -> int:
        keep_settings(self.fingerprints, self.folder)
        about = self._about()
        jobs = [job for job in plan(benchmarks, seeds, self.fingerprints, self.folder)
                if job.role == "model" or not job.benchmark.needs_text]  # fmt: skip
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
        except (InputError, TrainingError) as error:
            self.failures[str(job)] = str(error)
        except Exception as error:  # whatever it is, the other benchmarks do not suffer from it
            error_file.write_text(traceback.format_exc())
            self.failures[str(job)] = f"{type(error).__name__}: {error} (see {error_file})"
        if str(job) in self.failures:
            print(fold(f"failed: {self.failures[str(job)]}"), flush=True)
        else:
            _clear(job)
            self._report()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _run(self, job: Job) -> None:
        kept = self.folder / "kept_features"
        interrupted = job.interrupted
        if interrupted is not None:
            run(load_resumed(interrupted), resume=interrupted, kept_features=kept)
        else:
            config = load_config(job.benchmark.name, self.settings.job_flags(job))
            run(config, kept_features=kept)

    def _report(self) -> dict[str, Any]:
        """Write the tables of everything in the folder, whatever was asked for this time."""
        results = gather(self._present(), self.failures, self._about())
        (self.folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
        (self.folder / "results.md").write_text(write_table(results))
        return results

    def _about(self) -> dict[str, str]:
        """Settings of the folder by role; with a control of former times, if there is one."""
        return json.loads((self.folder / SETTINGS_FILE).read_text())

    def _present(self) -> list[Job]:
        """All jobs that have a folder already."""
        seeds = {
            int(path.name.rpartition("seed")[2]) for path in self.folder.glob("runs/*/*-seed*")
        }
        jobs = plan(BENCHMARKS, sorted(seeds), self._about(), self.folder)
        return [job for job in jobs if job.folder.is_dir()]

    def _say_what_failed(self) -> None:
        print(f"\nResults: {self.folder}/results.md, results.json and results.png")
        if self.failures:
            print(f"\n{len(self.failures)} failed; the same command tries them again:")
            for job, reason in self.failures.items():
                print(fold(f"  {job}: {reason}"))


def _clear(job: Job) -> None:
    """Remove the weights of a finished run, which for all benchmarks would take much room."""
    for run_folder in job.folder.iterdir():
        for name in ("checkpoints", "model"):
            shutil.rmtree(run_folder / name, ignore_errors=True)
