"""The configuration of a run that goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protclip_td.config.loading import Config, load_config
from protclip_td.config.mistakes import Mistake, report
from protclip_td.training.run_folder import RUN_CONFIG, check_run_folder


def load_resumed(folder: Path, path: str | None = None, flags: list[str] | None = None) -> Config:
    """The configuration that a run was started with.

    Parameters:
        folder (Path): run folder
        path (str, optional): configuration given once more, which then has to say the same
        flags (list of str, optional): flags given once more

    Returns:
        Config: from the run folder

    Raises:
        InputError: no run folder, or another configuration; names what differs
    """
    folder = folder.expanduser()
    check_run_folder(folder)
    file = folder / RUN_CONFIG
    if path is None:
        return load_config(file, flags)
    started, now = load_config(file), load_config(path, flags)
    mistakes = [
        Mistake(key, f"{new} now, and the run was started with {old}")
        for key, old, new in _differences(started, now)
    ]
    if mistakes:
        raise report(f"--resume {folder}: {path}", mistakes)
    return started


def _differences(old: Any, new: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    """Where two configurations differ: key, old and new value."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return [] if old == new else [(key, old, new)]
    return [
        difference
        for name in sorted({*old, *new})
        for difference in _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
    ]
