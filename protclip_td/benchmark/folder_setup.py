"""The setup of a folder of results: encoders and flags, which must stay the same in it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from protclip_td.benchmark.jobs import Job
from protclip_td.benchmark.weights_digest import are_alike
from protclip_td.config.loading import find_config
from protclip_td.config.template import read_value
from protclip_td.config.variant import read_source
from protclip_td.errors import InputError
from protclip_td.training.disk import write_json
from protclip_td.training.run_folder import RUN_CONFIG

SETUP_FILE = "benchmark.json"


class Setup(NamedTuple):
    """What all runs of a folder have in common.

    Parameters:
        encoders (dict): encoder by role, with a digest of its weights
        flags (dict): flags that decide a result, as given
    """

    encoders: Mapping[str, str]
    flags: Mapping[str, str]

    def in_words(self) -> dict[str, str]:
        """Encoder and flags by role."""
        return {role: _in_words(encoder, self.flags) for role, encoder in self.encoders.items()}

    def of(self, job: Job) -> str:
        """Encoder and flags of one run, as far as its configuration knows them."""
        known = read_source(find_config(job.benchmark.name)).names
        flags = {name: value for name, value in self.flags.items() if name in known}
        return _in_words(self.encoders[job.role], flags)


def _in_words(encoder: str, flags: Mapping[str, str]) -> str:
    return ", ".join([encoder, *(f"{name}={_plain(value)}" for name, value in flags.items())])


def _plain(text: str) -> str:
    """A value in one way of writing it: 2e-3 and 0.002 are the same setting."""
    value = read_value(text)
    return value if isinstance(value, str) else json.dumps(value, default=str)


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
    before = {role: it for role, it in _kept_encoders(path).items() if _has_runs(folder, role)}
    for role, now in setup.encoders.items():
        if not are_alike(before.get(role, now), now):
            raise InputError(
                f"{folder} holds results of {before[role]}, and now {role} is {now}. "
                "Give another folder with -o, or the same encoder"
            )
    return setup._replace(encoders={**before, **setup.encoders})


def write_setup(setup: Setup, folder: Path) -> None:
    """Write the setup of a folder of results."""
    write_json(folder / SETUP_FILE, setup._asdict())


def _kept_encoders(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text())["encoders"])
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} is damaged or from another version ({error!r}). Give another folder with -o; "
            "or, if all runs beside it are of the encoders given now, as the job.json of each "
            "says, remove the file"
        ) from error


def _has_runs(folder: Path, role: str) -> bool:
    return any(folder.glob(f"runs/*/{role}-seed*/*/{RUN_CONFIG}"))
