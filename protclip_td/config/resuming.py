"""The configuration of a run that goes on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from protclip_td.config.document import read_document
from protclip_td.config.loading import Config, load_config
from protclip_td.config.mistakes import Mistake, report
from protclip_td.errors import InputError
from protclip_td.training.run_folder import BEGUN_CONFIG, RUN_CONFIG, check_run_folder

# What decides how a training goes on, as far as its checkpoints or its data do not tell.
_DECISIVE = (
    "eval_metric",
    "fix_encoder",
    "fix_encoder2",
    "lr_ratio",
    "optimizer",
    "scheduler",
    "task",
    "train",
    "engine.batch_size",
    "engine.clip_grad_norm",
    "engine.early_stopping",
    "engine.gradient_interval",
    "engine.precision",
)
# Where the weights were from, which are those of the checkpoint now.
_SOURCES = tuple(
    f"task.model.{name}"
    for name in ("checkpoint", "path", "protein_encoder", "text_encoder", "tokenizer")
)


def load_resumed(folder: Path, path: str | None = None, flags: list[str] | None = None) -> Config:
    """The configuration that a run was started with.

    Parameters:
        folder (Path): run folder
        path (str, optional): configuration given once more, which then has to say the same
        flags (list of str, optional): flags given once more, with the configuration

    Returns:
        Config: from the run folder

    Raises:
        InputError: no run folder, flags without a configuration, or another configuration; names
            what differs
    """
    folder = folder.expanduser()
    check_run_folder(folder)
    if flags and path is None:
        raise InputError(
            f"{flags[0]}: a run goes on with its own settings; leave it out, or start a new run "
            f"from its weights with `checkpoint: {folder}/checkpoints/best.pt`"
        )
    file = folder / RUN_CONFIG
    config = load_config(file)
    if (folder / BEGUN_CONFIG).is_file():
        before, now = (_values(folder / name) for name in (BEGUN_CONFIG, RUN_CONFIG))
        _refuse(str(file), filter(_is_decisive, _differences(before, now)))
    if path is not None:
        again = load_config(path, flags)
        _refuse(f"--resume {folder}: {path}", _differences(config, again))
    return config


def _values(file: Path) -> dict[str, Any]:
    # Read and not checked, since files that it names may be elsewhere by now.
    return read_document(file.read_text()).values


def _refuse(source: str, differences: Iterable[tuple[str, Any, Any]]) -> None:
    mistakes = [
        Mistake(key, f"{new} now, and the run was started with {old}")
        for key, old, new in differences
    ]
    if mistakes:
        raise report(source, mistakes)


def _is_decisive(difference: tuple[str, Any, Any]) -> bool:
    key = difference[0]
    is_decisive = any(f"{key}.".startswith(f"{part}.") for part in _DECISIVE)
    return is_decisive and key not in _SOURCES


def _differences(old: Any, new: Any, key: str = "") -> list[tuple[str, Any, Any]]:
    """Where two configurations differ: key, old and new value."""
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        # A block that is not there has no keys.
        old, new = ({} if block is None else block for block in (old, new))
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return [] if repr(old) == repr(new) or old == new else [(key, old, new)]  # NaN is not NaN
    return [
        difference
        for name in sorted({*old, *new})
        for difference in _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
    ]
