"""Hashes of files and of texts, the same on every machine."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return _digest(path, hashlib.sha256())


def md5_of(path: str | Path) -> str:
    """MD5 of a file's content, in hexadecimal.

    Example::

        >>> Path("empty.txt").touch()
        >>> md5_of("empty.txt")
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    return _digest(path, hashlib.md5(usedforsecurity=False))


def md5_by_name(paths: Iterable[str | Path]) -> dict[str, str]:
    """MD5 of some files by their names, as data manifests list what was used."""
    return {Path(path).name: md5_of(path) for path in paths}


def text_digest(text: str) -> int:
    """A number of 64 bits for a text, such as a sequence: the beginning of its SHA-256.

    Example::

        >>> hex(text_digest("MK"))
        '0xec5193aaaa0f69b2'
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _digest(path: str | Path, digest: Any) -> str:
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
