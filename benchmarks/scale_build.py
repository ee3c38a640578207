"""Builds a store as a person would, from the command line, and watches its time and memory."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from protclip_td.data.pairs import read_manifest

_INTERVAL = 0.2  # seconds between looks at the memory
_PROGRAM = "import sys; from protclip_td_command import main; sys.exit(main())"
_ALL = ("--confidences", "1,2,3,4,5", "--coverages", "1,2,3,4")


def build(source: Path, folder: Path, jobs: int) -> dict[str, Any]:
    """Build a store of everything in a file.

    Returns:
        dict: seconds, and the largest memory: of all processes together with what they share
        counted once (`peak_mb`), and of the largest process alone (`process_mb`)
    """
    command = [sys.executable, "-c", _PROGRAM, "protanno", "build", str(source),
               "-o", str(folder), "--jobs", str(jobs), *_ALL]  # fmt: skip
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        peak, largest = _watch(process)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    seconds = time.perf_counter() - start
    return {"jobs": jobs, "seconds": seconds, "peak_mb": peak / 1e6, "process_mb": largest / 1e6}


def _watch(process: subprocess.Popen[str]) -> tuple[int, int]:
    peak = largest = 0
    family = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            sizes = [_memory(p.pid) for p in (family, *family.children(recursive=True))]
        except psutil.NoSuchProcess:
            break
        peak, largest = max(peak, sum(sizes)), max(largest, *sizes)
        time.sleep(_INTERVAL)
    return peak, largest


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
