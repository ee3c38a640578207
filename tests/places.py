"""Where tests find what is not in the project."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
