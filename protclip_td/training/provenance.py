"""Which versions of what made a run."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

from protclip_td.version import __version__

_PACKAGES = ("torch", "torchdrug", "transformers", "rdkit", "numpy")


def versions() -> dict[str, str | None]:
    """Collect the versions of Python, of the packages and of this project's source.

    Returns:
        dict: None for what is not installed, and as ``git_revision`` outside of a checkout
    """
    found: dict[str, str | None] = {"protclip_td": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    found["platform"] = platform.platform()
    found["git_revision"] = git_revision()
    return found


def git_revision() -> str | None:
    """Name the commit of this project's source, with ``-dirty`` if files have changed since."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
