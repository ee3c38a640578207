"""Classes by name, and what their constructors take.

TorchDrug's own search is a regular expression on word boundaries, so that `ESM.` or `(` in a name
mean something else, and a name can be ambiguous. Here a name is a registered key or its last part,
or the path to a class in a module of one's own.
"""

import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torchdrug import core, datasets, models, tasks, transforms

from protclip_td.config.own_classes import own_class
from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean

# Modules whose short names (ProteinCNN for ProteinConvolutionalNetwork) are understood as well.
_MODULES = (datasets, models, tasks, transforms)
# What stands under these arguments, whichever class takes them.
_KINDS = {
    "model": "models",
    "model2": "models",
    "transform": "transforms",
    "transforms": "transforms",
}

# ProtST writes `td_datasets.X` for its own data sets. Ours have the same names, except
# EnzymeCommission: TorchDrug's class of that name does not accept ProtST's `branch: null`.
_PROTST = "td_datasets."
_OTHERWISE = {"td_datasets.EnzymeCommission": "ECSequences"}


class Argument(NamedTuple):
    """One argument of a constructor.

    Parameters:
        name (str): its name
        required (bool): whether it has no default
        default (object): its default, None when required
        annotation (object): its type hint, `Any` without one
        documented (str): its type in words, as in ``hidden_dims (list of int)``
    """

    name: str
    required: bool
    default: Any
    annotation: Any
    documented: str


def registered() -> dict[str, Any]:
    """All registered classes by their full key, such as ``models.ProtCLIP``."""
    table = core.Registry.table.flatten()
    return {key: value for key, value in table.items() if inspect.isclass(value)}


def find_class(name: str, kind: str = "") -> type:
    """The registered class of that name.

    Parameters:
        name (str): full key (``models.ProtCLIP``) or the end of one (``ProtCLIP``); or module and
            class (``my_models.MyEncoder``), which is then imported
        kind (str, optional): first part of the key that is preferred where several fit, and
            from which a nearer word is suggested: ``datasets``, ``models``, ``optim``, …

    Returns:
        type: the class

    Raises:
        InputError: an unknown name, with the nearest right one, an ambiguous name, with all
            classes that fit, or a module that cannot be imported
    """
    table = registered()
    name = _OTHERWISE.get(name, name).removeprefix(_PROTST)
    fitting = [key for key in table if key == name or key.endswith(f".{name}")]
    fitting = [key for key in fitting if key.startswith(f"{kind}.")] or fitting
    if len(fitting) == 1:
        return table[fitting[0]]
    if fitting:
        choice = ", ".join(sorted(fitting))
        raise InputError(f"`{name}` fits several classes: {choice}; give the full name of one")
    aliases = _aliases()
    if name in aliases:
        return aliases[name]
    short = {key.rpartition(".")[2]: cls for key, cls in table.items()} | aliases
    near = [word for word, cls in short.items() if class_kind(cls) == kind] or list(short)
    words = name.split(".")
    if len(words) > 1 and all(map(str.isidentifier, words)):
        return own_class(name, kind, near)
    raise InputError(f"unknown class `{name}`{did_you_mean(name, near)}")


def _aliases() -> dict[str, type]:
    """Registered classes by the names that TorchDrug's modules give them."""
    return {
        name: cls
        for module in _MODULES
        for name, cls in vars(module).items()
        if inspect.isclass(cls) and hasattr(cls, "_registry_key")
    }


def kind_of(path: Sequence[str | int]) -> str:
    """Kind of class expected at a place: ``models`` at ``task.model``, "" when it is open."""
    words = [key for key in path if isinstance(key, str)]
    return _KINDS.get(words[-1], "") if words else ""


def registered_key(cls: type) -> str:
    """A class's registered key, such as ``models.ProtCLIP``."""
    return getattr(cls, "_registry_key", "")


def class_kind(cls: type) -> str:
    """First part of a class's registered key: ``models`` for ``models.ProtCLIP``."""
    return registered_key(cls).partition(".")[0]


def arguments(function: Any) -> tuple[dict[str, Argument], bool]:
    """Arguments of a class or function.

    Parameters:
        function (type or function): for a class, its constructor is meant

    Returns:
        dict of Argument by name, and whether any further keyword is taken (``**kwargs`` whose
        arguments are not known)
    """
    # TorchDrug's `copy_args` gives the class, not its constructor, the full signature.
    signature = inspect.signature(function)
    constructor = function.__init__ if inspect.isclass(function) else function
    hints = _type_hints(constructor)
    documented = _documented_types(function)
    named = {
        name: Argument(
            name,
            parameter.default is parameter.empty,
            None if parameter.default is parameter.empty else parameter.default,
            hints.get(name, Any),
            documented.get(name, ""),
        )
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    named.pop("self", None)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    return named, inspect.Parameter.VAR_KEYWORD in kinds


def _type_hints(function: Any) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):  # hints that only exist for type checkers
        return {}


def _documented_types(function: Any) -> dict[str, str]:
    """Types in words from the `Parameters:` block of a docstring."""
    block = (inspect.getdoc(function) or "").partition("Parameters:")[2]
    return dict(re.findall(r"^\s+(\w+) \(([^)]*)\):", block, re.MULTILINE))
