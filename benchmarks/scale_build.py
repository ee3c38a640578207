"""Builds a store as a person would, from the command line, and watches its time and memory."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from protclip_td.data.store.manifest import read_manifest

_INTERVAL = 0.2  # seconds between looks at the memory
_PROGRAM = "import sys; from protclip_td_command import main; sys.exit(main())"
_ALL = ("--confidences", "1,2,3,4,5", "--coverages", "1,2,3,4")


def build(source: Path, folder: Path, jobs: int) -> dict[str, Any]:
    """Build a store of everything in a file.

    Returns:
        dict: seconds; the largest memory, of all processes together with what they share counted
        once (`peak_mb`) and of the largest process alone (`process_mb`); the most on disk
        (`disk_mb`)
    """
    command = [sys.executable, "-c", _PROGRAM, "protanno", "build", str(source),
               "-o", str(folder), "--jobs", str(jobs), *_ALL]  # fmt: skip
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        most = _watch(process, folder)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    seconds = time.perf_counter() - start
    return {"jobs": jobs, "seconds": seconds, **{key: n / 1e6 for key, n in most.items()}}


def _watch(process: subprocess.Popen[str], folder: Path) -> dict[str, int]:
    most = {"peak_mb": 0, "process_mb": 0, "disk_mb": 0}
    family = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            sizes = [_memory(p.pid) for p in (family, *family.children(recursive=True))]
        except psutil.NoSuchProcess:
            break
        now = {"peak_mb": sum(sizes), "process_mb": max(sizes), "disk_mb": _on_disk(folder)}
        most = {key: max(number, now[key]) for key, number in most.items()}
        time.sleep(_INTERVAL)
    return most


def _on_disk(folder: Path) -> int:
    """Bytes below a folder in which files come and go."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _memory(process: int) -> int:
    """Proportional set size: a page that n processes share counts 1/n in each."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((1024 * int(x.split()[1]) for x in lines if x.startswith("Pss:")), 0)


def sizes_of(folder: Path) -> dict[str, int]:
    """Bytes of a store's pairs, and of those that the default rule keeps."""
    groups = read_manifest(folder)["groups"]
    kept = [g for g in groups if g["confidence"] <= 3 and g["coverage"] >= 3]
    return {
        name: sum(part["bytes"] for group in some for part in group["parts"])
        for name, some in (("store_bytes", groups), ("kept_bytes", kept))
    }
