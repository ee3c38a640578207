"""Objects from the blocks of a configuration."""

from collections.abc import Mapping
from typing import Any

from protclip_td.config.classes import find_class, kind_of
from protclip_td.errors import InputError


def build_object(block: Mapping[str, Any], kind: str = "", **filled_in: Any) -> Any:
    """Make the object that a block describes, and first those within it.

    Parameters:
        block (dict): ``class`` and arguments; blocks inside it, in lists too, become objects
        kind (str, optional): first part of the registered key, such as ``datasets``
        filled_in (optional): further arguments

    Returns:
        object: instance of the class

    Raises:
        InputError: the class refuses its arguments, or misses a package or a file; with its reason

    Example::

        >>> build_object({"class": "ProteinView", "view": "residue"})
        <torchdrug.transforms.transform.ProteinView object at ...>
    """
    cls = find_class(block["class"], kind)
    values = {key: _build(value, key) for key, value in block.items() if key != "class"}
    try:
        return cls(**{**values, **filled_in})
    # What TorchDrug raises for arguments it cannot take, for a package such as wandb that is not
    # installed, and for data that can neither be read nor downloaded.
    except (ValueError, ModuleNotFoundError, OSError) as error:
        raise InputError(_named(cls.__name__, str(error))) from error


def _named(name: str, reason: str) -> str:
    """A reason with the class's name in front, unless it begins with that already."""
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _build(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        if "class" in value:
            return build_object(value, kind_of([key]))
        return {name: _build(item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_build(item, key) for item in value]
    return value
