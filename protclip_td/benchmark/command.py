"""`protclip-td benchmark`: its command line."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from protclip_td.benchmark.catalogue import choose
from protclip_td.benchmark.checks import check_flags
from protclip_td.benchmark.data_files import DATA_FOLDER, list_benchmarks
from protclip_td.benchmark.jobs import present
from protclip_td.benchmark.settings import Settings
from protclip_td.config.flags import split_flags
from protclip_td.config.mistakes import Mistake, report
from protclip_td.errors import InputError
from protclip_td.models.checkpoint import is_protclip_folder

_HELP = """\
usage: protclip-td benchmark NAME ... --checkpoint CHECKPOINT -o FOLDER
                             [--control ENCODER] [--seeds 0,1,2]
                             [--VARIABLE VALUE ...]
       protclip-td benchmark --list [--path DATA_FOLDER]

Runs benchmarks one after the other and writes results.md, results.json and
results.png into FOLDER. What is done is skipped, so that the same command goes
on after an interruption; what fails is named at the end.

  NAME                     `all` are the 22 of the paper, `extras` the others
  --checkpoint CHECKPOINT  ProtCLIP folder, published or ours
  --encoder ENCODER        instead: random:ESM-2-8M, an ESM-2 folder, name or
                           .pt file, a TorchDrug model such as ProteinCNN, or a
                           class of your own module, my_models.MyEncoder
  --control ENCODER        an encoder to compare with, such as the plain ESM-2
  -o, --output FOLDER      folder of all results
  --seeds SEEDS            seeds of the runs of each, such as 0,1,2 (default: 0;
                           once with 0, where all seeds would give the same)
  --VARIABLE VALUE         a variable of the configurations: --fix_encoder true
  --list                   the benchmarks, and whether their data are there
  -h, --help               this text
"""


def main(argv: Sequence[str]) -> int:
    """Run the command.

    Parameters:
        argv (list of str): what stands behind ``protclip-td benchmark``

    Returns:
        int: 0, or 1 if a benchmark failed

    Raises:
        InputError: the command line is wrong, or the folder is another benchmark's
    """
    names, rest = _split_names(argv)
    options, others = _parser().parse_known_args(rest)
    if options.help or not argv:
        print(_HELP, end="")
        return 0
    flags, mistakes = split_flags(others, "expected a flag here; names of benchmarks come first")
    if mistakes:
        raise report("the command line", mistakes)
    if options.list:
        unfit = flags.keys() - {"path"}
        unknown = [Mistake(f"--{name}", "--list takes --path only") for name in unfit]
        if unknown:
            raise report("the command line", unknown)
        print(list_benchmarks(Path(flags.get("path", DATA_FOLDER)).expanduser()))
        return 0
    benchmarks = choose(names)
    if not benchmarks:
        raise InputError("which benchmarks? Give their names, or `all`; --list shows them")
    if options.output is None:
        raise InputError("-o is needed: the folder of all results")
    check_flags(flags, [*benchmarks, *present(options.output)])
    from protclip_td.benchmark.runner import run_benchmarks  # after what costs nothing to find

    settings = Settings(_encoders(options), flags)
    return min(run_benchmarks(benchmarks, settings, _seeds(options.seeds), options.output), 1)


def _split_names(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names in front, and the flags behind them."""
    first = next((i for i, word in enumerate(argv) if word.startswith("-")), len(argv))
    return list(argv[:first]), list(argv[first:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("protclip-td benchmark", add_help=False, allow_abbrev=False)
    for flag in ("--checkpoint", "--encoder", "--control"):
        parser.add_argument(flag)
    parser.add_argument("-o", "--output", type=lambda text: Path(text).expanduser())
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    return parser


def _encoders(options: argparse.Namespace) -> dict[str, str]:
    """Encoders by role."""
    if (options.checkpoint is None) == (options.encoder is None):
        raise InputError("give either --checkpoint, a ProtCLIP folder, or --encoder")
    if options.checkpoint is not None:
        _check_protclip(options.checkpoint)
    encoders = {"model": options.checkpoint or options.encoder}
    return encoders | ({"control": options.control} if options.control else {})


def _check_protclip(folder: str) -> None:
    """Make sure that no other encoder's numbers end up under ProtCLIP's name."""
    if not Path(folder).expanduser().is_dir():
        raise InputError(f"--checkpoint: there is no folder {folder}")
    if not is_protclip_folder(folder):
        raise InputError(
            f"--checkpoint: {folder} is not a ProtCLIP checkpoint's folder; its config.json would "
            "say `protein_model_config`. For plain ESM-2 and other encoders give --encoder"
        )


def _seeds(text: str) -> list[int]:
    words = text.split(",")
    if not all(re.fullmatch(r"\d{1,9}", word.strip()) for word in words):
        raise InputError(
            f"--seeds: {text!r} given; expected numbers of at most nine digits, such as 0,1,2"
        )
    return list(dict.fromkeys(map(int, words)))
