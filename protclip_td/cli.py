"""The command line: `protclip-td run` (also `python -m torchdrug.run`), protanno, benchmark."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from protclip_td.config import load_config, load_resumed, manual
from protclip_td.errors import InputError, TrainingError
from protclip_td.version import __version__
from protclip_td.wording import fold

_HELP = """\
usage: {program} -c CONFIG [--VARIABLE VALUE ...]
       {program} --resume RUN_FOLDER

Trains and evaluates what a YAML configuration describes, and keeps everything
in a run folder.

  -c, --config CONFIG    a YAML file, or the name of a shipped configuration
  --VARIABLE VALUE       one of the configuration's variables: --batch_size 16
  --resume RUN_FOLDER    go on with an interrupted run, by its own settings
  -h, --help             this text; with -c CONFIG, its variables
"""


def main(argv: Sequence[str] | None = None) -> int:
    """`protclip-td`: run a command.

    Parameters:
        argv (list of str, optional): arguments of the command line; by default this process's

    Returns:
        int: 0 done, 1 training had to stop or a store is damaged, 2 wrong input, 141 nobody reads
        on

    Raises:
        KeyboardInterrupt: Ctrl-C; the programs make 130 of it, also while all this is loaded
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser("protclip-td", description="ProtCLIP in TorchDrug.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="train and evaluate a configuration", add_help=False)
    commands.add_parser(
        "protanno", help="build stores of pairs from UniProt files, and check them", add_help=False
    )
    commands.add_parser(
        "benchmark", help="run the downstream benchmarks, and make one table", add_help=False
    )
    command = parser.parse_args(argv[:1]).command
    if command == "benchmark":
        from protclip_td.benchmark.command import main as benchmark

        return _report_errors(lambda: benchmark(argv[1:]))
    if command == "protanno":
        from protclip_td.protanno.command import main as protanno

        return _report_errors(lambda: protanno(argv[1:]))
    return _report_errors(lambda: _run(argv[1:], "protclip-td run"))


def run_main() -> None:
    """`python -m torchdrug.run`: the same as `protclip-td run`."""
    sys.exit(_report_errors(lambda: _run(sys.argv[1:], "python -m torchdrug.run")))


def _report_errors(command: Callable[[], int | None]) -> int:
    """Run a command; print what ends it on purpose without a traceback."""
    try:
        status = command()
        sys.stdout.flush()
    except (InputError, TrainingError) as error:
        print(fold(f"error: {error}"), file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except BrokenPipeError:  # `head` or a pager has seen enough, and Python must not flush to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status or 0


def _run(argv: Sequence[str], program: str) -> int:
    options, flags = _run_parser(program).parse_known_args(argv)
    if options.help:
        print(manual.describe(options.config) if options.config else _general_help(program))
        return 0
    if options.resume is not None:
        config = load_resumed(options.resume, options.config, flags)
    elif options.config is not None:
        config = load_config(options.config, flags)
    else:
        raise InputError(f"no configuration given\n{_general_help(program)}")
    # After all mistakes that cost nothing to find.
    from protclip_td.compat.processes import part_ways

    # Only once an error has been told, since it holds all that it went through.
    status = _report_errors(lambda: _train(config, options.resume))
    part_ways(failed=0 < status < 128)  # above are the signals, on which all stop
    return status


def _train(config: Any, resume: Path | None) -> int:
    from protclip_td.run import run
    from protclip_td.training.signals import Interrupted

    try:
        run(config, resume=resume)
    except Interrupted as stop:
        return stop.status
    return 0


def _run_parser(program: str) -> argparse.ArgumentParser:
    """The fixed flags; all others are variables of the configuration, which it checks."""
    parser = argparse.ArgumentParser(program, add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--config")
    parser.add_argument("--resume", type=Path)
    parser.add_argument("-h", "--help", action="store_true")
    # torch.distributed.launch gives it to every process; TorchDrug reads the environment instead.
    parser.add_argument("--local-rank", "--local_rank", type=int, help=argparse.SUPPRESS)
    return parser


def _general_help(program: str) -> str:
    return "\n".join([_HELP.format(program=program), manual.list_shipped()])
