"""Small builds that go through everything a large one goes through."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from protclip_td.data.store import writing
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno import cutting, publishing, staged_lines, staging_inputs
from protclip_td.protanno.build_options import BuildOptions

#: Everything is kept.
ALL = BuildOptions(confidences=CONFIDENCES, coverages=COVERAGES, identical="keep")


def use_small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the sample's 209 entries fill many chunks, buckets, coarse buckets, parts and blocks."""
    monkeypatch.setattr(publishing, "write_report", _write_page)  # pictures take a second
    monkeypatch.setattr(staging_inputs, "CHUNK_BYTES", 200_000)
    monkeypatch.setattr(staged_lines, "BUCKET_BYTES", 20_000)
    monkeypatch.setattr(staged_lines, "COARSE_BITS", 2)
    monkeypatch.setattr(writing, "BLOCK_ROWS", 4)
    for module in (writing, cutting):
        monkeypatch.setattr(module, "PART_ROWS", 16)


def _write_page(manifest: dict[str, Any], folder: Path) -> None:
    (folder / "report.html").write_text(f"{manifest['entries']} pairs")


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder by path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def in_child(function) -> int:
    """Run a function in a process of its own; its exit status, negative if a signal ended it."""
    child = os.fork()
    if not child:
        try:
            function()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at_rename(monkeypatch: pytest.MonkeyPatch, number: int, after: bool) -> None:
    """Kill this process right before or after it renames something for the nth time."""
    count, rename = 0, os.rename

    def counted(source, target):
        nonlocal count
        count += 1
        if count == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for place in (os, Path):  # up to Python 3.10 a path does not ask for os.rename anew
        monkeypatch.setattr(place, "replace", counted)
        monkeypatch.setattr(place, "rename", counted)
