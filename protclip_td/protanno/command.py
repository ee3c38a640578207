"""`protclip-td protanno build | info | verify`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.data.store.manifest import MANIFEST
from protclip_td.properties import PROPERTY_KEYS
from protclip_td.protanno.build_options import IDENTICAL, SAMPLING, BuildOptions
from protclip_td.protanno.describing import describe, summarise
from protclip_td.protanno.phases import build
from protclip_td.protanno.verifying import find_damage


def main(words: Sequence[str]) -> int:
    """Run a command.

    Parameters:
        words (list of str): of the command line, after "protanno"

    Returns:
        int: exit status: 0 done, 1 the store is damaged

    Raises:
        InputError: wrong input
    """
    options = _parser().parse_args(words)
    command = {"build": _build, "info": _info, "verify": _verify}[options.command]
    return command(options)


def _build(options: argparse.Namespace) -> int:
    before = _written(options.output)
    try:
        store = build(
            options.inputs,
            options.output,
            _build_options(options),
            exclude=options.exclude,
            release=options.release,
            jobs=options.jobs,
            scheduler=options.scheduler,
            resume=options.resume,
            replace=options.replace,
            quiet=False,
        )
    except KeyboardInterrupt:
        print(
            f"what is done is kept in {options.output}; the same command goes on", file=sys.stderr
        )
        raise
    was_there = before == _written(options.output)
    print(summarise(store.folder, store.manifest, was_there))
    return 0


def _written(folder: Path) -> int | None:
    """When the manifest of a store was written."""
    path = folder.expanduser() / MANIFEST
    return path.stat().st_mtime_ns if path.exists() else None


def _build_options(options: argparse.Namespace) -> BuildOptions:
    read = ReadOptions(
        keep_evidence=options.keep_evidence,
        confidence=options.confidence,
        properties=options.properties,
        min_residues=options.min_residues,
        max_residues=options.max_residues,
    )
    names = [name for name in BuildOptions.__dataclass_fields__ if name != "read"]
    return BuildOptions(read, **{name: getattr(options, name) for name in names})


def _info(options: argparse.Namespace) -> int:
    print(describe(options.folder))
    return 0


def _verify(options: argparse.Namespace) -> int:
    damage = find_damage(options.folder)
    print("\n".join(damage) or f"{options.folder}: every part is as the manifest says")
    if damage:
        print(f"faults: {len(damage)}; build again with --replace to mend the store")
    return 1 if damage else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "protclip-td protanno", description="ProtAnno stores from UniProt files."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_build(commands.add_parser("build", help="build a store, or go on building it"))
    for name, what in (("info", "print what a store holds"), ("verify", "check its checksums")):
        commands.add_parser(name, help=what).add_argument("folder", type=Path)
    return parser


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="data files, plain or gzip: UniProtKB flat files or XML, UniProt or ProtST TSV, "
        "FASTA with UniProt headers, ProtCLIP JSON lines",
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER")
    _add_reading(parser.add_argument_group("what is read"))
    _add_selection(parser.add_argument_group("what is kept"))
    _add_work(parser.add_argument_group("how it is done"))


def _add_reading(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--properties",
        type=lambda text: tuple(text.split(",")),
        default=PROPERTY_KEYS,
        metavar="KEY,KEY",
        help=f"properties in the order of the biotext (default: {','.join(PROPERTY_KEYS)})",
    )
    group.add_argument("--keep-evidence", action="store_true", help="keep tags like {ECO:...}")
    group.add_argument(
        "--confidence", type=int, help="confidence of entries in files that do not state it"
    )
    group.add_argument("--min-residues", type=int, default=1, help="shorter ones are rejected")
    group.add_argument("--max-residues", type=int, help="longer ones are rejected")
    group.add_argument(
        "--release",
        help="UniProt release of the inputs (default: what reldate.txt beside them states)",
    )


def _add_selection(group: argparse._ArgumentGroup) -> None:
    default = BuildOptions()
    for name, what in (("confidences", "levels"), ("coverages", "numbers of properties")):
        chosen = getattr(default, name)
        group.add_argument(
            f"--{name}",
            type=_integers,
            default=chosen,
            metavar="N,N",
            help=f"{what} to keep (default: {','.join(map(str, chosen))})",
        )
    group.add_argument(
        "--keep-all",
        action="store_true",
        help="keep all of Swiss-Prot whatever its group; equal sequences still become one pair, "
        "but for --identical keep",
    )
    group.add_argument(
        "--identical",
        choices=IDENTICAL,
        default=default.identical,
        help="of entries with the same sequence keep the best, the best with what it lacks merged "
        "in from the others, or all (default: best)",
    )
    group.add_argument(
        "--exclude",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="FASTA",
        help="test sequences; may be given again for further files",
    )
    group.add_argument(
        "--identity",
        type=float,
        help="exclude what MMseqs2 finds this identical, over 0.8 of the test sequence, too; of "
        "test sequences shorter than about 14 residues it finds nothing",
    )
    group.add_argument(
        "--sampling",
        choices=SAMPLING,
        default=default.sampling,
        help="keep all to be drawn by weight, or keep each with its probability, once "
        "(default: weighted)",
    )
    for name in ("confidence-exponent", "coverage-exponent", "valid-fraction", "test-fraction"):
        value = getattr(default, name.replace("-", "_"))
        group.add_argument(f"--{name}", type=float, default=value, help=f"(default: {value})")
    group.add_argument("--seed", type=int, default=default.seed, help="(default: 0)")


def _integers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} given; expected numbers with commas between them, such as 1,2,3"
        ) from None


def _add_work(group: argparse._ArgumentGroup) -> None:
    cores = len(os.sched_getaffinity(0))
    group.add_argument(
        "--jobs", type=int, default=cores, help="processes (default: one for each core)"
    )
    group.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="a Dask scheduler instead")
    group.add_argument("--resume", action="store_true", help="go on though inputs were replaced")
    group.add_argument("--replace", action="store_true", help="replace the store that is there")
