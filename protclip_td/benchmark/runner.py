"""Runs the jobs one after the other, and keeps the table up to date."""

import gc
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark
from protclip_td.benchmark.checks import check_configs
from protclip_td.benchmark.folder_setup import Setup, check_setup, write_setup
from protclip_td.benchmark.jobs import Job, Result, plan, read_result
from protclip_td.benchmark.places import move_configs
from protclip_td.benchmark.plot import draw_results
from protclip_td.benchmark.results import gather
from protclip_td.benchmark.same_data import with_other_data
from protclip_td.benchmark.settings import Settings
from protclip_td.benchmark.table import write_table
from protclip_td.config import load_config, load_resumed
from protclip_td.errors import InputError, TrainingError
from protclip_td.run import run
from protclip_td.training.disk import write_file, write_run_json
from protclip_td.training.lock import FolderLock
from protclip_td.training.signals import ending_on_signals
from protclip_td.whole_files import remove_leftovers
from protclip_td.wording import by_reason, fold

# Where the traceback of what nobody foresaw is kept.
_ERROR_FILE = "error.txt"


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
        setup = check_setup(settings.setup(), folder)
        return _Runner(settings, setup, folder).go(_jobs(benchmarks, settings, seeds, folder))


def _jobs(
    benchmarks: Sequence[Benchmark], settings: Settings, seeds: Sequence[int], folder: Path
) -> list[Job]:
    """What is asked for; a control without texts cannot be asked by text."""
    jobs: list[Job] = []
    for benchmark in benchmarks:
        roles = [role for role in settings.encoders if role == "model" or not benchmark.needs_text]
        runs = [(role, seed) for role in roles for seed in settings.seeds(benchmark, role, seeds)]
        jobs += plan(benchmark, runs, folder)
    return jobs


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder, which is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"-o: {folder} cannot be made a folder: {error.strerror}") from error
    lock = FolderLock(folder)
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


class _Runner:
    def __init__(self, settings: Settings, setup: Setup, folder: Path) -> None:
        self.settings = settings
        self.setup = setup
        self.folder = folder
        # Why, by the job as text: of this time's runs, and of the results as they were last read.
        self.failures: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}
        self.other_data: dict[str, str] = {}
        # Why the table could not be written the last time; "" if it could.
        self.table_failure = ""

    def go(self, jobs: Sequence[Job]) -> int:
        for job in [*jobs, *self._present()]:
            job.claim(self.setup.of(job))
        write_setup(self.setup, self.folder)  # once nothing is refused any more
        try:
            with ending_on_signals() as end_if_asked:
                for number, job in enumerate(jobs, 1):
                    self._attempt(job, f"[{number}/{len(jobs)}] {job}")
                    end_if_asked()
        except (KeyboardInterrupt, SystemExit):
            print("\nInterrupted. The same command goes on where this one stopped.")
            raise
        finally:
            self._report(with_picture=True)
            self._say_what_failed()
        return len(self._all_failures()) + len(self.other_data)

    def _attempt(self, job: Job, title: str) -> None:
        """Run a job that is not done; if that fails, the other benchmarks do not suffer."""
        _remove_error(job.folder)
        try:
            if read_result(job) is not None:
                print(f"{title}: done already")
                return
            print(f"\n{title}\n", flush=True)
            self._run(job)
        except Exception as error:
            self.failures[str(job)] = why = _in_words(error, job.folder)
            print(fold(f"failed: {why}"), flush=True)
        self._report()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _run(self, job: Job) -> None:
        kept = self.folder / "kept_features"
        config = load_config(job.benchmark.name, self.settings.job_flags(job))
        begun = job.find_begun()
        if begun is not None:
            move_configs(begun, config)
            config = load_resumed(begun)
        # The weights of all benchmarks would take much room.
        run(config, resume=begun, kept_features=kept, keep_weights=False)
        if read_result(job) is None:
            raise InputError(
                f"{job} has no result, since its data have no test set. Give data with one, or "
                "leave it out"
            )

    def _report(self, with_picture: bool = False) -> None:
        """Write the tables; where that fails, the runs that come next do not suffer."""
        self.table_failure = ""
        _remove_error(self.folder)
        try:
            results = self._write_tables()
            if with_picture:
                draw_results(results, self.folder / "results.png")
        except Exception as error:
            self.table_failure = _in_words(error, self.folder)

    def _write_tables(self) -> dict[str, Any]:
        """Write what is in the folder, whatever was asked for this time."""
        finished, self.unreadable = self._read_results()
        self.other_data = with_other_data(finished)
        alike = [result for result in finished if str(result.job) not in self.other_data]
        left_out = self.failures | self.unreadable | self.other_data
        results = gather(alike, left_out, self.setup.in_words())
        write_run_json(self.folder / "results.json", results)
        write_file(self.folder / "results.md", write_table(results))
        return results

    def _read_results(self) -> tuple[list[Result], dict[str, str]]:
        """Results of runs that have finished, and why some cannot be read, by the job as text."""
        finished, unreadable = [], {}
        for job in self._present():
            try:
                result = read_result(job)
            except InputError as error:
                unreadable[str(job)] = str(error)
                continue
            if result is not None:
                finished.append(result)
        return finished, unreadable

    def _present(self) -> list[Job]:
        """All jobs that have a folder already; folders of other names are somebody else's."""
        names = (path.name for path in self.folder.glob("runs/*/*"))
        found = (re.fullmatch(r"(?:model|control)-seed(-?\d+)", name) for name in names)
        seeds = sorted({int(match[1]) for match in found if match})
        runs = [(role, seed) for role in self.setup.encoders for seed in seeds]
        jobs = (job for benchmark in BENCHMARKS for job in plan(benchmark, runs, self.folder))
        return [job for job in jobs if job.folder.is_dir()]

    def _all_failures(self) -> dict[str, str]:
        table = {"the table of results": self.table_failure} if self.table_failure else {}
        return self.failures | self.unreadable | table

    def _say_what_failed(self) -> None:
        print(f"\nResults: {self.folder}/results.md, results.json and results.png")
        for title, reasons in (
            ("failed; the same command tries them again:", self._all_failures()),
            ("left out of the table; the same command leaves them out again:", self.other_data),
        ):
            if reasons:
                print(f"\n{len(reasons)} {title}")
            for line in by_reason(reasons):
                print(fold(f"  {line}"))


def _in_words(error: Exception, folder: Path) -> str:
    """What went wrong; of an error that is no message, the traceback is kept in a folder."""
    if isinstance(error, (InputError, TrainingError)):
        return str(error)
    said, file = f"{type(error).__name__}: {error}", folder / _ERROR_FILE
    try:
        file.write_text("".join(traceback.format_exception(error)))
    except OSError:
        return said
    return f"{said} (see {file})"


def _remove_error(folder: Path) -> None:
    """Remove what an earlier call has kept."""
    with suppress(OSError):
        (folder / _ERROR_FILE).unlink()
