"""Checkpoints: plain types, written whole or not at all, checked when read."""

import os
import pickle
import shutil
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import nn

from protclip_td.errors import InputError
from protclip_td.models.tensors import misfits, refuse, shapes
from protclip_td.training.disk import explain_disk_errors
from protclip_td.training.fixed_part import FIXED, FIXED_PART, FixedPart
from protclip_td.whole_files import replace_file, sync_folder, write_aside


class DamagedCheckpointError(InputError):
    """A checkpoint that cannot be read: cut short, altered on the disk, or no checkpoint."""


class Checkpoints:
    """The checkpoints of one run: ``last.pt``, ``previous.pt`` and ``best.pt``.

    Parameters:
        folder (str or Path): made if missing
        fixed (collection of str, optional): tensors of the model that the run does not train; they
            are kept once, in ``fixed.pt``, which the other files then need
    """

    def __init__(self, folder: str | Path, fixed: Collection[str] = ()) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.last = self.folder / "last.pt"
        self.previous = self.folder / "previous.pt"
        self.best = self.folder / "best.pt"
        self.fixed_part = FixedPart(self.folder, fixed)

    def save(self, state: dict[str, Any], is_best: bool = False) -> None:
        """Write ``last.pt``, keeping the one before as ``previous.pt``.

        Parameters:
            state (dict): state of the engine
            is_best (bool, optional): whether it becomes ``best.pt``, too

        Raises:
            TrainingError: the disk is full or broken; all earlier checkpoints are intact
        """
        plain = to_plain(state, "state")
        with explain_disk_errors(self.last):
            trained = self.fixed_part.take_out(plain)
            written = write_aside(self.last, lambda file: torch.save(trained, file))
            try:
                # Best first: a run killed in between resumes before it, and finds it again.
                if is_best:
                    _link(written, self.best)
                if self.last.exists():
                    os.replace(self.last, self.previous)
                os.replace(written, self.last)
            finally:
                written.unlink(missing_ok=True)
            sync_folder(self.folder)

    def exist(self) -> bool:
        """Tell whether there is anything to resume from."""
        return self.last.exists() or self.previous.exists()

    def load_newest(self) -> tuple[dict[str, Any], Path, dict[Path, str]]:
        """Read ``last.pt`` or, if it is missing or damaged, ``previous.pt``.

        Returns:
            (dict, Path, dict): the state, where it is from, and a notice for each damaged file

        Raises:
            InputError: neither can be read
        """
        damaged: dict[Path, str] = {}
        for path in (self.last, self.previous):
            if not path.exists():
                continue
            try:
                return load_checkpoint(path), path, damaged
            except DamagedCheckpointError as error:
                damaged[path] = str(error)
        reason = " ".join(damaged.values()) or f"There is no checkpoint in {self.folder} yet."
        raise InputError(f"Nothing to resume from. {reason} Start the run anew.")

    def set_aside(self, path: Path) -> None:
        """Move a damaged checkpoint out of the way, so that it replaces no good one."""
        os.replace(path, path.with_name(path.name + ".damaged"))


def _link(source: Path, target: Path) -> None:
    """Give a finished file a second name, replacing `target`; copy where links are unknown."""
    linked = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        os.link(source, linked)
    except OSError:  # file systems say it in several ways; a broken disk refuses the copy as well
        with open(source, "rb") as file:
            replace_file(target, lambda copy: shutil.copyfileobj(file, copy))
    else:
        os.replace(linked, target)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of this engine or of TorchDrug's onto the CPU, checking every byte.

    Parameters:
        path (str or Path): the file; weights that its run did not train are read from the
            ``fixed.pt`` beside it

    Raises:
        InputError: there is no such file, it may not be read, or its ``fixed.pt`` is not there
        DamagedCheckpointError: the file is damaged or no checkpoint
    """
    path = Path(path).expanduser()
    state = _load_one(path)
    if FIXED not in state:
        return state
    beside = path.with_name(FIXED_PART)
    fixed = _load_one(beside) if beside.is_file() else {}
    if fixed.get("digest") != state.pop(FIXED):
        found = "is another run's" if fixed else "is not there"
        raise InputError(
            f"{path} needs the {FIXED_PART} of its own run beside it, with the weights that were "
            f"not trained, and {beside} {found}. Copy both files."
        )
    return {**state, "model": {**fixed["model"], **state["model"]}}


def _load_one(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}.")
    try:
        with path.open("rb") as file:
            state = _read_checked(file)
    except PermissionError as error:
        raise InputError(f"The checkpoint {path} cannot be read: {error.strerror}.") from error
    except pickle.UnpicklingError as error:  # its own message advises to load it unsafely
        reason = "it does not hold plain types and tensors alone"
        raise DamagedCheckpointError(f"The checkpoint {path} is damaged ({reason}).") from error
    except Exception as error:  # one wrong byte can make zipfile and torch stumble over anything
        raise DamagedCheckpointError(f"The checkpoint {path} is damaged ({error}).") from error
    if not isinstance(state, dict) or "model" not in state:
        raise DamagedCheckpointError(f"The file {path} is no checkpoint: it holds no 'model'.")
    return state


def _read_checked(file: BinaryIO) -> Any:
    with zipfile.ZipFile(file) as archive:
        broken = archive.testzip()
    if broken is not None:
        raise zipfile.BadZipFile(f"bad checksum of {broken}")
    file.seek(0)
    return torch.load(file, map_location="cpu", weights_only=True)


def load_model_state(model: nn.Module, state: Mapping[str, Any], source: str) -> None:
    """Put tensors into a model that must have the same names and shapes.

    Parameters:
        model (nn.Module): the model
        state (dict): its tensors by name
        source (str): where they are from, for the message

    Raises:
        InputError: names the tensors that differ, with both shapes
    """
    own = model.state_dict()
    unknown = [f"{name}: not in the model" for name in state if name not in own]
    found = misfits(shapes(own), shapes(state)) + unknown
    refuse(found, source, "use the config they were trained with")
    model.load_state_dict(state)


def to_plain(value: Any, name: str) -> Any:
    """Turn a state into numbers, strings, lists, dicts and tensors.

    Parameters:
        value (object): any nesting of these, of NumPy's numbers and arrays, and of subclasses
        name (str): what it is, for the message

    Raises:
        InputError: something in it is of another type
    """
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, np.generic):  # before the plain ones: np.float64 is a float
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, Mapping):
        return {key: to_plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_plain(item, f"{name}[{i}]") for i, item in enumerate(value))
    raise InputError(
        f"A checkpoint holds plain types only, and {name} is a {type(value).__name__}. "
        "Keep it out of the state_dict of its owner."
    )
