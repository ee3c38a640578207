"""Data and encoders may lie elsewhere when a run that was begun goes on."""

from pathlib import Path

from protclip_td.config import Config
from protclip_td.config.document import KeyPath, read_document
from protclip_td.training.disk import write_file
from protclip_td.training.run_folder import BEGUN_CONFIG, RUN_CONFIG

# Keys that say where something is.
_PLACES: tuple[KeyPath, ...] = (
    ("dataset", "path"),
    ("engine", "gpus"),
    ("checkpoint",),
    ("task", "model"),
    ("task", "text_encoder"),
    ("task", "tokenizer"),
)


def move_configs(run: Path, now: Config) -> None:
    """Give the configurations of a run that was begun the places of today, line by line.

    Their text is what the run keeps as the configuration that was run, and what is resumed by hand.
    That the encoders are the same, wherever they lie, was seen when the run was claimed.

    Parameters:
        run (Path): its folder
        now (Config): the same with the places of today
    """
    for name in (RUN_CONFIG, BEGUN_CONFIG):
        if (run / name).is_file():
            _move(run / name, now.rendered)


def _move(file: Path, today: str) -> None:
    begun = file.read_text()
    lines, lines_today = begun.split("\n"), today.split("\n")
    row, row_today = read_document(begun).lines, read_document(today).lines
    for key in _PLACES:
        if key in row and key in row_today:
            lines[row[key] - 1] = lines_today[row_today[key] - 1]
    write_file(file, "\n".join(lines))
