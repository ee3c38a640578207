"""What can be wrong with a benchmark's command line, found before anything is run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from protclip_td.benchmark.catalogue import Benchmark
from protclip_td.benchmark.jobs import Job
from protclip_td.benchmark.settings import Settings
from protclip_td.config.loading import find_config, load_config
from protclip_td.config.mistakes import Mistake, report
from protclip_td.config.variant import read_source
from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean, first_few

# Variables that the command fills in itself, and what to give it instead.
_FILLED_IN = {
    "encoder": "--encoder",
    "checkpoint": "--checkpoint",
    "seed": "--seeds",
    "output_dir": "-o",
}


def check_flags(flags: Mapping[str, str], benchmarks: Sequence[Benchmark]) -> None:
    """Make sure that each flag is a variable of some benchmark, and leaves all what they are.

    Parameters:
        flags (dict): values by name
        benchmarks (list of Benchmark): those that are to be run

    Raises:
        InputError: all flags that are not, with the nearest right ones
    """
    parts = [_Part.of(benchmark) for benchmark in benchmarks]
    reasons = {name: _wrong(name, parts) for name in flags}
    mistakes = [Mistake(f"--{name}", reason) for name, reason in reasons.items() if reason]
    if mistakes:
        raise report("the command line", mistakes)


class _Part(NamedTuple):
    """A benchmark's name, splits and variables, and those of them that make it what it is."""

    name: str
    splits: tuple[str, ...]
    variables: set[str]
    defining: set[str]

    @classmethod
    def of(cls, benchmark: Benchmark) -> "_Part":
        splitting = {"split", "split_file"} if benchmark.splits else set()
        source = read_source(find_config(benchmark.name))
        names = source.names - splitting - _FILLED_IN.keys()
        defining = source.values.keys() - _FILLED_IN.keys()
        return cls(benchmark.name, benchmark.splits, names, defining)


def _wrong(flag: str, parts: Sequence[_Part]) -> str:
    """Why a flag cannot be given, or ""."""
    if flag in _FILLED_IN:
        return f"the command fills it in for each run; give {_FILLED_IN[flag]} instead"
    known = set[str]().union(*(part.variables - part.defining for part in parts))
    unknown = f"no configuration has it{did_you_mean(flag, known, '--')}"
    return _defines(flag, parts) or ("" if flag in known else unknown)


def _defines(flag: str, parts: Sequence[_Part]) -> str:
    """Why a flag would make some benchmark another one, or ""."""
    for part in parts:
        if flag in part.defining:
            return (
                f"it is what makes {part.name}, whose row would then show something else. Leave it "
                "out, and choose benchmarks by name; for one run: python -m torchdrug.run -c "
                f"{part.name}"
            )
    splits = next((part for part in parts if part.splits), None)
    if splits and flag in ("split", "split_file") and not any(flag in p.variables for p in parts):
        return (
            f"{splits.name} is run for each of its splits, {', '.join(splits.splits)}, by itself. "
            f"Leave it out; for one run: python -m torchdrug.run -c {splits.name} --{flag} …"
        )
    return ""


def check_configs(jobs: Iterable[Job], settings: Settings) -> None:
    """Load the configuration of each job, so that a mistake costs no run.

    Parameters:
        jobs (list of Job): what is to be run; one seed of each is enough
        settings (Settings): encoders and flags

    Raises:
        InputError: everything that is wrong, and with which benchmarks
    """
    wrong: dict[str, list[str]] = {}
    for job in jobs:
        for mistake in _mistakes(job, settings):
            names = wrong.setdefault(mistake, [])
            if job.benchmark.name not in names:  # the model's mistakes come first
                names.append(_with_role(job))
    if wrong:
        lines = [f"  {mistake} ({first_few(names, shown=3)})" for mistake, names in wrong.items()]
        raise InputError("\n".join(["nothing was run, for", *lines]))


def _with_role(job: Job) -> str:
    return job.benchmark.name + (" with --control" if job.role == "control" else "")


def _mistakes(job: Job, settings: Settings) -> list[str]:
    """What is wrong with one configuration, without the lines, which differ between files."""
    try:
        load_config(job.benchmark.name, settings.job_flags(job))
    except InputError as error:
        lines = str(error).splitlines()
        return [re.sub(r"^\s*(line \d+: )?", "", line) for line in lines[1:] or lines]
    return []
