"""What was asked for: encoders and flags, and what of them reaches each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protclip_td.benchmark.catalogue import Benchmark
from protclip_td.benchmark.folder_setup import Setup
from protclip_td.benchmark.identity import identify, identify_files, identify_value
from protclip_td.benchmark.jobs import Job
from protclip_td.config.encoder import given_block, starts_from_scratch
from protclip_td.config.loading import find_config
from protclip_td.config.variant import read_source

# Flags that say where something is, and change no result.
_PLACES = ("gpus", "path")
# Flags that name files which decide a result.
_WITH_FILES = ("text_encoder", "tokenizer")


@dataclass(frozen=True)
class Settings:
    """Encoders and flags of one benchmark.

    Parameters:
        encoders (dict): encoder by role, as given: ``model`` and, if there is one, ``control``
        flags (dict): variables of the configurations, as given
    """

    encoders: Mapping[str, str]
    flags: Mapping[str, str]

    def setup(self) -> Setup:
        """Encoders, with digests of their weights, and the flags that decide a result."""
        flags = {
            name: identify_files(value) if name in _WITH_FILES else identify_value(value)
            for name, value in sorted(self.flags.items())
            if name not in _PLACES
        }
        return Setup({role: identify(given) for role, given in self.encoders.items()}, flags)

    def job_flags(self, job: Job) -> list[str]:
        """Flags of one run: those given, as far as its configuration knows them, and the case's."""
        known = read_source(find_config(job.benchmark.name)).names
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
    block = given_block(encoder)
    source = block.get("checkpoint") or block.get("text_encoder")
    flags = {"text_encoder": source, "tokenizer": block.get("tokenizer")}
    return {name: found for name, found in flags.items() if source and found}
