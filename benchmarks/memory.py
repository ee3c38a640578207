"""The memory of a process."""

import re
from pathlib import Path


def peak_gb() -> float:
    """The largest resident memory that this process has had, in GB; on Linux only.

    `getrusage` would count what the parent had when it started the process, too.
    """
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, "no VmHWM in /proc/self/status"
    return int(found[1]) * 1024 / 1e9
