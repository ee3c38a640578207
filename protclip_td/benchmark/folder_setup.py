"""The setup of a folder of results: encoders and flags, which must stay the same in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from protclip_td.benchmark.identity import Identity, from_record, settings_in_words, to_record
from protclip_td.benchmark.jobs import Job
from protclip_td.config.loading import find_config
from protclip_td.config.variant import read_source
from protclip_td.errors import InputError
from protclip_td.training.disk import write_run_json
from protclip_td.training.run_folder import RUN_CONFIG

SETUP_FILE = "benchmark.json"


class Setup(NamedTuple):
    """What all runs of a folder have in common.

    Parameters:
        encoders (dict): encoder by role
        flags (dict): flags that decide a result, by name
    """

    encoders: Mapping[str, Identity]
    flags: Mapping[str, Identity]

    def in_words(self) -> dict[str, str]:
        """Encoder and flags by role."""
        return {
            role: settings_in_words({"encoder": encoder, **self.flags})
            for role, encoder in self.encoders.items()
        }

    def of(self, job: Job) -> dict[str, Identity]:
        """Encoder and flags of one run by name, as far as its configuration knows them."""
        known = read_source(find_config(job.benchmark.name)).names
        settings = {"encoder": self.encoders[job.role]}
        if job.role == "control" and "text_encoder" in known:
            settings["text_encoder"] = self.encoders["model"]  # which reads the texts for both
        return settings | {name: value for name, value in self.flags.items() if name in known}


def check_setup(setup: Setup, folder: Path) -> Setup:
    """Make sure that the encoders are those of a folder of results.

    What was asked for before and never came to a run binds nobody. Whether the flags are the same
    each run tells (`Job.claim`), since not every one knows all of them.

    Returns:
        Setup: with an encoder that has runs here and whose role is not given now

    Raises:
        InputError: the folder holds runs of another encoder, or its file is damaged
    """
    path = folder / SETUP_FILE
    kept = _kept_encoders(path)
    before = {role: encoder for role, encoder in kept.items() if _has_runs(folder, role)}
    for role, now in setup.encoders.items():
        if role in before and not before[role].means(now):
            raise InputError(
                f"{folder} holds results of {before[role]}, and now {role} is {now}. "
                "Give another folder with -o, or the same encoder"
            )
    return setup._replace(encoders={**before, **setup.encoders})


def write_setup(setup: Setup, folder: Path) -> None:
    """Write the setup of a folder of results."""
    record = {name: to_record(identities) for name, identities in setup._asdict().items()}
    write_run_json(folder / SETUP_FILE, record)


def _kept_encoders(path: Path) -> dict[str, Identity]:
    if not path.is_file():
        return {}
    try:
        return from_record(json.loads(path.read_text())["encoders"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged or from another version ({error!r}). Give another folder with -o; "
            "or, if all runs beside it are of the encoders given now, as the job.json of each "
            "says, remove the file"
        ) from error


def _has_runs(folder: Path, role: str) -> bool:
    return any(folder.glob(f"runs/*/{role}-seed*/*/{RUN_CONFIG}"))
