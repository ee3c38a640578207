"""Settings with a digest of the files they name, by which other weights are noticed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from protclip_td.config.template import read_value
from protclip_td.data.digests import sha256_of, text_digest
from protclip_td.models.weights import existing_path

_WEIGHT_FILES = ("*.safetensors", "*.bin", "config.json", "tokenizer*.json", "vocab.txt")


class Identity(NamedTuple):
    """A setting as it was given and, where that means files, a digest of their content.

    Parameters:
        given (str): an encoder, or the value of a flag
        digest (str, optional): 16 hexadecimal digits; None where no file is meant
    """

    given: str
    digest: str | None = None

    def __str__(self) -> str:
        return self.given if self.digest is None else f"{self.given} ({self.digest})"

    def means(self, other: "Identity") -> bool:
        """Whether two settings mean the same, wherever the files of each lie.

        Example::

            >>> Identity("./mine", "0123456789abcdef").means(Identity("/m", "0123456789abcdef"))
            True
            >>> Identity("random:ESM-2-8M").means(Identity("random:ESM-2-35M"))
            False
        """
        return self.digest == other.digest and (
            self.given == other.given or (self._is_place() and other._is_place())
        )

    def _is_place(self) -> bool:
        """Whether nothing but the files counts: a block has other settings beside them."""
        return self.digest is not None and not isinstance(read_value(self.given), dict)


def identify(encoder: str) -> Identity:
    """The identity of an encoder.

    Parameters:
        encoder (str): what `encoder_block` takes, or a block with a `class`

    Example::

        >>> identify("random:ESM-2-8M")
        Identity(given='random:ESM-2-8M', digest=None)
    """
    value = read_value(encoder)
    names = list(_texts(value)) if isinstance(value, dict) else [encoder]
    files = [file for name in names for file in _weight_files(name)]
    if not files:
        return Identity(encoder)
    return Identity(encoder, f"{text_digest(''.join(map(sha256_of, files))):016x}")


def identify_files(text: str) -> Identity:
    """The identity of a value that may name a file, as that of an encoder or of a plain value."""
    found = identify(text)
    return identify_value(text) if found.digest is None else found


def identify_value(text: str) -> Identity:
    """The identity of a value that names no file, in one way of writing it.

    Example::

        >>> str(identify_value("2e-3"))
        '0.002'
    """
    value = read_value(text)
    return Identity(value if isinstance(value, str) else json.dumps(value, default=str))


def are_alike(one: Mapping[str, Identity], other: Mapping[str, Identity]) -> bool:
    """Whether two runs have the same settings, by name."""
    return one.keys() == other.keys() and all(one[name].means(other[name]) for name in one)


def settings_in_words(settings: Mapping[str, Identity]) -> str:
    """The settings of a run, the encoder among them.

    Example::

        >>> settings_in_words({"encoder": Identity("random:ESM-2-8M"), "lr": Identity("0.002")})
        'random:ESM-2-8M, lr=0.002'
    """
    return ", ".join(
        str(value) if name == "encoder" else f"{name}={value}" for name, value in settings.items()
    )


def to_record(settings: Mapping[str, Identity]) -> dict[str, Any]:
    """Settings as plain types, for a JSON file."""
    return {name: value._asdict() for name, value in settings.items()}


def from_record(record: Mapping[str, Any]) -> dict[str, Identity]:
    """What `to_record` was given.

    Raises:
        TypeError or AttributeError: the record is none of that
    """
    return {name: Identity(**value) for name, value in record.items()}


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
