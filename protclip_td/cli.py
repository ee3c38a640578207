"""The command line: `protclip-td run`, which is also `python -m torchdrug.run`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from protclip_td.errors import InputError, TrainingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters:
        arguments (list of str, optional): words of the command line; by default this process's

    Returns:
        int: 0 done, 1 training had to stop, 2 wrong input, 130 interrupted
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def run_main() -> None:
    """`python -m torchdrug.run`: the same as `protclip-td run`."""
    sys.exit(main(["run", *sys.argv[1:]]))


def _dispatch(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="protclip-td", description="ProtCLIP in TorchDrug: pretraining and downstream tasks."
    )
    parser.add_argument("command", choices=["run"], help="run: train what a configuration says")
    if words[:1] != ["run"]:
        parser.parse_args(words)
    _run(words[1:])
    return 0


def _run(words: list[str]) -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--config")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--resume", type=Path)
    options, flags = parser.parse_known_args(words)
    from protclip_td.config import load_config

    config = load_config(options.config, flags)
    from protclip_td.run import run

    run(config, resume=options.resume)
