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
from protclip_td.benchmark.plot import draw_results
from protclip_td.benchmark.results import gather
from protclip_td.benchmark.same_data import with_other_data
from protclip_td.benchmark.settings import Settings
from protclip_td.benchmark.table import write_table
from protclip_td.config import Config, load_config, load_resumed
from protclip_td.config.document import KeyPath, read_document
from protclip_td.errors import InputError, TrainingError
from protclip_td.run import run
from protclip_td.training.disk import write_file, write_run_json
from protclip_td.training.lock import FolderLock
from protclip_td.training.run_folder import BEGUN_CONFIG, RUN_CONFIG
from protclip_td.whole_files import remove_leftovers
from protclip_td.wording import by_reason, fold

# Keys that say where something is.
_PLACES: tuple[KeyPath, ...] = (
    ("dataset", "path"),
    ("engine", "gpus"),
    ("checkpoint",),
    ("task", "model"),
    ("task", "text_encoder"),
    ("task", "tokenizer"),
)
# What is named where the results cannot be written.
_TABLE = "the table of results"


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

    def of(benchmark: Benchmark, role: str) -> Sequence[int]:
        return settings.seeds(benchmark, role, seeds)

    planned = plan(benchmarks, settings.encoders, of, folder)
    return [job for job in planned if job.role == "model" or not job.benchmark.needs_text]


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
        self.failures: dict[str, str] = {}
        self.other_data: dict[str, str] = {}

    def go(self, jobs: Sequence[Job]) -> int:
        for job in [*jobs, *self._present()]:
            job.claim(self.setup.of(job))
        write_setup(self.setup, self.folder)  # once nothing is refused any more
        try:
            for number, job in enumerate(jobs, 1):
                self._attempt(job, f"[{number}/{len(jobs)}] {job}")
        except (KeyboardInterrupt, SystemExit):
            print("\nInterrupted. The same command goes on where this one stopped.")
            raise
        finally:
            with self._failing(_TABLE, self.folder):
                draw_results(self._report(), self.folder / "results.png")
            self._say_what_failed()
        return len(self.failures) + len(self.other_data)

    def _attempt(self, job: Job, title: str) -> None:
        with self._failing(str(job), job.folder):
            if read_result(job) is not None:
                print(f"{title}: done already")
                return
            print(f"\n{title}\n", flush=True)
            self._run(job)
        if str(job) in self.failures:
            print(fold(f"failed: {self.failures[str(job)]}"), flush=True)
        with self._failing(_TABLE, self.folder):
            self._report()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextmanager
    def _failing(self, what: str, folder: Path) -> Iterator[None]:
        """Keep what goes wrong for the end, whatever it is: the other benchmarks do not suffer."""
        self.failures.pop(what, None)
        error_file = folder / "error.txt"
        with suppress(OSError):
            error_file.unlink()
        try:
            yield
        except (InputError, TrainingError) as error:
            self.failures[what] = str(error)
        except Exception as error:
            self.failures[what] = f"{type(error).__name__}: {error}{_keep_traceback(error_file)}"

    def _run(self, job: Job) -> None:
        kept = self.folder / "kept_features"
        config = load_config(job.benchmark.name, self.settings.job_flags(job))
        begun = job.find_begun()
        if begun is not None:
            for name in (RUN_CONFIG, BEGUN_CONFIG):
                if (begun / name).is_file():
                    _move(begun / name, config)
            config = load_resumed(begun)
        # The weights of all benchmarks would take much room.
        run(config, resume=begun, kept_features=kept, keep_weights=False)
        if read_result(job) is None:
            raise InputError(
                f"{job} has no result, since its data have no test set. Give data with one, or "
                "leave it out"
            )

    def _report(self) -> dict[str, Any]:
        """Write the tables of everything in the folder, whatever was asked for this time."""
        finished = list(self._finished())
        self.other_data = with_other_data(finished)
        alike = [result for result in finished if str(result.job) not in self.other_data]
        failures = {what: why for what, why in self.failures.items() if what != _TABLE}
        results = gather(alike, failures | self.other_data, self.setup.in_words())
        write_run_json(self.folder / "results.json", results)
        write_file(self.folder / "results.md", write_table(results))
        return results

    def _finished(self) -> Iterator[Result]:
        """Results of runs; one that cannot be read has failed, and the others stay."""
        for job in self._present():
            try:
                result = read_result(job)
            except InputError as error:
                self.failures[str(job)] = str(error)
                continue
            if result is not None:
                yield result

    def _present(self) -> list[Job]:
        """All jobs that have a folder already; folders of other names are somebody else's."""
        names = (path.name for path in self.folder.glob("runs/*/*"))
        found = (re.fullmatch(r"(?:model|control)-seed(-?\d+)", name) for name in names)
        seeds = sorted({int(match[1]) for match in found if match})
        jobs = plan(BENCHMARKS, self.setup.encoders, lambda *_: seeds, self.folder)
        return [job for job in jobs if job.folder.is_dir()]

    def _say_what_failed(self) -> None:
        print(f"\nResults: {self.folder}/results.md, results.json and results.png")
        for title, reasons in (
            ("failed; the same command tries them again:", self.failures),
            ("left out of the table; the same command leaves them out again:", self.other_data),
        ):
            if reasons:
                print(f"\n{len(reasons)} {title}")
            for line in by_reason(reasons):
                print(fold(f"  {line}"))


def _keep_traceback(file: Path) -> str:
    """Write the traceback of the error at hand; returns where to see it, as far as it was kept."""
    try:
        file.write_text(traceback.format_exc())
    except OSError:
        return ""
    return f" (see {file})"


def _move(file: Path, now: Config) -> None:
    """Give the configuration of a run that was begun the places of today, line by line.

    Its text is what the run keeps as the configuration that was run, and what is resumed by hand.
    That the encoders are the same, wherever they lie, was seen when the run was claimed.
    """
    begun, today = file.read_text(), now.rendered
    lines, lines_today = begun.split("\n"), today.split("\n")
    row, row_today = read_document(begun).lines, read_document(today).lines
    for key in _PLACES:
        if key in row and key in row_today:
            lines[row[key] - 1] = lines_today[row_today[key] - 1]
    write_file(file, "\n".join(lines))
