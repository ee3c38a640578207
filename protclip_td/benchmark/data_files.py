"""`--list`: the benchmarks, and whether their data are there."""

from collections.abc import Iterable
from pathlib import Path

from protclip_td.benchmark.catalogue import BENCHMARKS, Benchmark
from protclip_td.wording import WIDTH, fold

#: Where the configurations look for data.
DATA_FOLDER = "~/protein-datasets"


def missing_files(benchmark: Benchmark, folder: Path) -> list[str]:
    """Files of a benchmark that are not in the data folder."""
    return [entry for entry in benchmark.data if not _is_there(entry.split("|"), folder)]


def list_benchmarks(folder: Path) -> str:
    """All benchmarks, a line each, and below it which files are missing below the data folder.

    Parameters:
        folder (Path): data folder
    """
    width = max(len(benchmark.name) for benchmark in BENCHMARKS)
    lines = [fold(f"Data folder: {folder}  (another one: --path)"), ""]
    shown: dict[tuple[str, ...], str] = {}
    for benchmark in BENCHMARKS:
        missing = missing_files(benchmark, folder)
        state = "missing" if missing else "there"
        lines.append(f"  {benchmark.name:<{width}}  {state:<7}  {benchmark.title}")
        if missing and benchmark.data in shown:
            lines.append(f"      the files of {shown[benchmark.data]}")
        elif missing:
            lines += [_indented(name) for entry in missing for name in _first_choice(entry)]
        shown.setdefault(benchmark.data, benchmark.name)
    lines += [
        "",
        "`all` are the first 22, `extras` the others. What is missing is fetched into",
        "the data folder if it can be; the message of a run that cannot names address,",
        "size and checksum. EC and GO: a sixth file, ..._test_sequences.fasta, is asked",
        "for if ..._sequences.fasta lacks a test chain. prot2*, disease2prot, zero_shot_*",
        "and text_to_protein: the published checkpoint needs --tokenizer beside it.",
    ]
    return "\n".join(lines)


def _indented(name: str) -> str:
    """A file's name below its benchmark, further to the left if it is long."""
    return name.rjust(min(len(name) + 6, WIDTH))


def _first_choice(entry: str) -> list[str]:
    return entry.partition("|")[0].split("+")


def _is_there(choices: Iterable[str], folder: Path) -> bool:
    """Whether all files of one of the choices are in the data folder."""
    return any(all((folder / name).is_file() for name in each.split("+")) for each in choices)
