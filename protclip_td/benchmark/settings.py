"""What a folder of results is about: encoders and flags, which must stay the same in it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protclip_td.benchmark.jobs import Job
from protclip_td.config.encoder import encoder_block, starts_from_scratch
from protclip_td.config.loading import find_config
from protclip_td.config.mistakes import Mistake, did_you_mean, report
from protclip_td.config.template import read_value
from protclip_td.config.variant import read_source
from protclip_td.errors import InputError

SETTINGS_FILE = "benchmark.json"
_WEIGHT_FILES = ("*.safetensors", "*.bin", "config.json")
_CHUNK = 1 << 24
# Flags that say where something is, and change no result.
_PLACES = ("gpus", "path")


@dataclass(frozen=True)
class Settings:
    """Encoders and flags of one benchmark.

    Parameters:
        encoders (dict): word for the encoder by role: ``model`` and, if there is one, ``control``
        flags (dict): variables of the configurations, as given
    """

    encoders: Mapping[str, str]
    flags: Mapping[str, str]

    def fingerprints(self) -> dict[str, str]:
        """For each role its encoder, with a digest of its weights, and the flags, in words."""
        decisive = sorted(self.flags.keys() - set(_PLACES))
        flags = "".join(f", {name}={self.flags[name]}" for name in decisive)
        return {role: f"{identity(word)}{flags}" for role, word in self.encoders.items()}

    def job_flags(self, job: Job) -> list[str]:
        """Flags of one run: those given, as far as its configuration knows them, and the case's."""
        known = variables(job.benchmark.name)
        word = self.encoders[job.role]
        values = {name: value for name, value in self.flags.items() if name in known}
        if "lr_ratio" in known and "lr_ratio" not in values and starts_from_scratch(word):
            values["lr_ratio"] = "1"  # nothing is known yet that small steps would preserve
        if job.role == "control" and "text_encoder" in known - values.keys():
            values = _text_side(self.encoders["model"]) | values
        values |= job.case.flags
        values |= {"seed": str(job.seed), "output_dir": str(job.folder)}
        values["encoder" if "encoder" in known else "checkpoint"] = word
        return [f"--{name}={value}" for name, value in values.items()]


def _text_side(word: str) -> dict[str, str]:
    """Flags by which a control has its texts read by the text encoder of a model."""
    value = read_value(word)
    block = value if isinstance(value, dict) else encoder_block(word)
    source = block.get("checkpoint") or block.get("text_encoder")
    flags = {"text_encoder": source, "tokenizer": block.get("tokenizer")}
    return {name: found for name, found in flags.items() if source and found}


def variables(name: str) -> set[str]:
    """Names of a configuration's variables."""
    return {variable.name for variable in read_source(find_config(name)).variables}


def check_flags(flags: Mapping[str, str], names: Sequence[str]) -> None:
    """Make sure that each flag is a variable of some benchmark's configuration.

    Raises:
        InputError: all flags that are none, with the nearest right ones
    """
    known = set[str]().union(*map(variables, names)) - {"encoder", "checkpoint", "seed"}
    known -= {"output_dir"}
    mistakes = [
        Mistake(f"--{name}", f"no configuration has it{did_you_mean(name, known, '--')}")
        for name in flags
        if name not in known
    ]
    if mistakes:
        raise report("the command line", mistakes)


def keep_settings(fingerprints: Mapping[str, str], folder: Path) -> None:
    """Write what a folder of results is about, or make sure that it is about the same.

    Raises:
        InputError: it holds results of another encoder, control or flags
    """
    path = folder / SETTINGS_FILE
    before: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for role, now in fingerprints.items():
        if before.get(role, now) != now:
            raise InputError(
                f"{folder} holds results of {before[role]}, and now {role} is {now}. "
                "Give another folder with -o, or the same settings"
            )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**before, **fingerprints}, indent=2) + "\n")


def identity(word: str) -> str:
    """An encoder's word and, where it means files, a digest of their content.

    Example::

        >>> identity("random:ESM-2-8M")
        'random:ESM-2-8M'
    """
    path = Path(word).expanduser()
    if not path.exists():
        return word
    files = [path] if path.is_file() else [f for p in _WEIGHT_FILES for f in sorted(path.glob(p))]
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return f"{word} ({digest.hexdigest()})"
