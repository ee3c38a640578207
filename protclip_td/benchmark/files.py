"""The files of a results folder: whole ones or none."""

import json
from pathlib import Path
from typing import Any

from protclip_td.training.disk import explain_disk_errors
from protclip_td.whole_files import replace_file


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a crash leaves the old content or the new one.

    Parameters:
        path (Path): file to make, with its folder, or to replace
        text (str): its content

    Raises:
        TrainingError: the disk does not take it
    """
    with explain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda file: file.write(text.encode()))


def write_json(path: Path, content: Any) -> None:
    """Write JSON in the same way.

    Raises:
        ValueError: the content holds NaN or an infinite number, which JSON does not know
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
