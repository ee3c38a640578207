"""The setups of a folder of results: encoders and flags, which must stay the same in it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protclip_td.benchmark.catalogue import Benchmark
from protclip_td.benchmark.files import write_json
from protclip_td.benchmark.jobs import Job
from protclip_td.config.encoder import encoder_block, existing_path, starts_from_scratch
from protclip_td.config.loading import find_config
from protclip_td.config.template import read_value
from protclip_td.config.variant import read_source
from protclip_td.data.digests import sha256_of, text_digest
from protclip_td.errors import InputError
from protclip_td.training.run_folder import RUN_CONFIG

SETTINGS_FILE = "benchmark.json"
_WEIGHT_FILES = ("*.safetensors", "*.bin", "config.json")
# Flags that say where something is, and change no result.
_PLACES = ("gpus", "path")


@dataclass(frozen=True)
class Settings:
    """Encoders and flags of one benchmark.

    Parameters:
        encoders (dict): encoder by role, as given: ``model`` and, if there is one, ``control``
        flags (dict): variables of the configurations, as given
    """

    encoders: Mapping[str, str]
    flags: Mapping[str, str]

    def describe(self) -> dict[str, str]:
        """Setups by role: the encoder, with a digest of its weights, and the flags, as text."""
        decisive = sorted(self.flags.keys() - set(_PLACES))
        flags = "".join(f", {name}={self.flags[name]}" for name in decisive)
        return {role: f"{identity(given)}{flags}" for role, given in self.encoders.items()}

    def job_flags(self, job: Job) -> list[str]:
        """Flags of one run: those given, as far as its configuration knows them, and the case's."""
        known = variables(job.benchmark.name)
        encoder = self.encoders[job.role]
        values = {name: value for name, value in self.flags.items() if name in known}
        if job.benchmark.trained != "all":
            values.pop("fix_encoder", None)  # it can only be fixed, and is by its configuration
        if "lr_ratio" in known and "lr_ratio" not in values and starts_from_scratch(encoder):
            values["lr_ratio"] = "1"  # nothing is known yet that small steps would preserve
        if job.role == "control" and "text_encoder" in known - values.keys():
            values = _text_side(self.encoders["model"]) | values
        values |= job.case.flags
        values |= {"seed": str(job.seed), "output_dir": str(job.folder)}
        values["encoder" if "encoder" in known else "checkpoint"] = encoder
        return [f"--{name}={value}" for name, value in values.items()]

    def seeds(self, benchmark: Benchmark, role: str, asked: Sequence[int]) -> Sequence[int]:
        """Seeds to run: one is enough where nothing is drawn, since all would give the same.

        Parameters:
            benchmark (Benchmark): what is run
            role (str): of the encoder
            asked (list of int): the seeds that were asked for
        """
        draws = benchmark.trained != "nothing" or starts_from_scratch(self.encoders[role])
        return asked if draws else [0]


def _text_side(encoder: str) -> dict[str, str]:
    """Flags by which a control has its texts read by the text encoder of a model."""
    value = read_value(encoder)
    block = value if isinstance(value, dict) else encoder_block(encoder)
    source = block.get("checkpoint") or block.get("text_encoder")
    flags = {"text_encoder": source, "tokenizer": block.get("tokenizer")}
    return {name: found for name, found in flags.items() if source and found}


def variables(name: str) -> set[str]:
    """Names of a configuration's variables."""
    return {variable.name for variable in read_source(find_config(name)).variables}


def keep_settings(setups: Mapping[str, str], folder: Path) -> None:
    """Write the setups of a folder of results, or make sure that they are the same.

    What was asked for before and never came to a run binds nobody.

    Raises:
        InputError: it holds runs of another encoder, control or flags
    """
    path = folder / SETTINGS_FILE
    before: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    before = {role: setup for role, setup in before.items() if _has_runs(folder, role)}
    for role, now in setups.items():
        if before.get(role, now) != now:
            raise InputError(
                f"{folder} holds results of {before[role]}, and now {role} is {now}. "
                "Give another folder with -o, or the same settings"
            )
    write_json(path, {**before, **setups})


def _has_runs(folder: Path, role: str) -> bool:
    return any(folder.glob(f"runs/*/{role}-seed*/*/{RUN_CONFIG}"))


def identity(encoder: str) -> str:
    """An encoder as given and, where that means files, a digest of their content.

    Parameters:
        encoder (str): what `encoder_block` takes, or a block with a `class`

    Example::

        >>> identity("random:ESM-2-8M")
        'random:ESM-2-8M'
    """
    value = read_value(encoder)
    names = list(_texts(value)) if isinstance(value, dict) else [encoder]
    files = [file for name in names for file in _weight_files(name)]
    if not files:
        return encoder
    return f"{encoder} ({text_digest(''.join(map(sha256_of, files))):016x})"


def _texts(block: Any) -> Iterator[str]:
    """All texts in a block that may name a file."""
    if isinstance(block, str):
        yield block
    elif isinstance(block, Mapping):
        for key, value in block.items():
            yield from () if key == "class" else _texts(value)
    elif isinstance(block, Sequence):
        for value in block:
            yield from _texts(value)


def _weight_files(name: str) -> list[Path]:
    """The file of that name, or the weights in the folder of that name.

    The `.pt` files that TorchDrug's ESM downloads into a folder are left out: it checks their MD5.
    """
    path = existing_path(name)
    if path is None or path.is_file():
        return [path] if path else []
    return [file for pattern in _WEIGHT_FILES for file in sorted(path.glob(pattern))]
