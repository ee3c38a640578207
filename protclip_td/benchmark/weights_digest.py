"""An encoder's name with a digest of its weights, by which other weights are noticed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from protclip_td.config.template import read_value
from protclip_td.data.digests import sha256_of, text_digest
from protclip_td.models.weights import existing_path

_WEIGHT_FILES = ("*.safetensors", "*.bin", "config.json", "tokenizer*.json", "vocab.txt")
# A name before a digest; a block with further settings ends in a brace.
_NAMED = re.compile(r"[^,={}]+ \((?=[0-9a-f]{16}\))")


def identity(encoder: str) -> str:
    """An encoder as given and, where that means files, a digest of their content.

    Parameters:
        encoder (str): what `encoder_block` takes, or a block with a `class`

    Example::

        >>> identity("random:ESM-2-8M")
        'random:ESM-2-8M'
    """
    value = read_value(encoder)
    names = list(_texts(value)) if isinstance(value, dict) else [encoder]
    files = [file for name in names for file in _weight_files(name)]
    if not files:
        return encoder
    return f"{encoder} ({text_digest(''.join(map(sha256_of, files))):016x})"


def are_alike(one: str, other: str) -> bool:
    """Whether two texts with identities mean the same, wherever the files of each lie.

    Example::

        >>> are_alike("./mine (0123456789abcdef), lr=1", "/my/mine/ (0123456789abcdef), lr=1")
        True
    """
    return _NAMED.sub("(", one) == _NAMED.sub("(", other)


def _texts(block: Any) -> Iterator[str]:
    """All texts in a block that may name a file."""
    if isinstance(block, str):
        yield block
    elif isinstance(block, Mapping):
        for key, value in block.items():
            yield from () if key == "class" else _texts(value)
    elif isinstance(block, Sequence):
        for value in block:
            yield from _texts(value)


def _weight_files(name: str) -> list[Path]:
    """The file of that name, or the weights in the folder of that name.

    The `.pt` files that TorchDrug's ESM downloads into a folder are left out: it checks their MD5.
    """
    path = existing_path(name)
    if path is None or path.is_file():
        return [path] if path else []
    return [file for pattern in _WEIGHT_FILES for file in sorted(path.glob(pattern))]
