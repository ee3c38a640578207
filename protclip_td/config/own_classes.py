"""Classes of a module of one's own, by their dotted path: ``my_models.MyEncoder``."""

import importlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean

# Why a module could not be imported, by name: a second attempt would only say that what stands in
# it has been registered already.
_failures: dict[str, str] = {}


def own_class(name: str, kind: str, known: Iterable[str]) -> type:
    """Import a module, in the current folder or installed, and take a class from it.

    Parameters:
        name (str): module and class, ``my_models.MyEncoder``
        kind (str): first part of the key that the class should be registered under, "" if open
        known (list of str): names of registered classes, one of which may be meant

    Raises:
        InputError: there is no such module or class, the module cannot be imported, or the class
            is not registered with TorchDrug
    """
    path, _, last = name.rpartition(".")
    module = _import(path)
    if module is None:
        place = f"there is no module {path} in {Path.cwd()} or among those installed"
        raise InputError(f"unknown class `{name}`{did_you_mean(name, known)}; {place}")
    cls = getattr(module, last, None)
    if not inspect.isclass(cls):
        own = [f"{path}.{word}" for word, value in vars(module).items() if _is_registered(value)]
        file = getattr(module, "__file__", None) or "a folder"
        place = f"the module {path} ({file}) has no class {last}"
        raise InputError(f"unknown class `{name}`{did_you_mean(name, [*known, *own])}; {place}")
    if not _is_registered(cls):
        raise InputError(
            f"`{name}` is not registered with TorchDrug; write "
            f'`@R.register("{kind or "models"}.{last}")` above the class, and '
            "`from torchdrug.core import Registry as R` on top of its module"
        )
    return cls


def _is_registered(value: object) -> bool:
    """Whether it is a class with a key of its own, not that of the class it is derived from."""
    return inspect.isclass(value) and "_registry_key" in vars(value)


def _import(path: str) -> ModuleType | None:
    """The module of that name, None if there is none."""
    if str(Path.cwd()) not in sys.path:  # as with `protclip-td`, other than with `python -m`
        sys.path.append(str(Path.cwd()))
    if path in _failures:
        raise InputError(_failures[path])
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{path}.".startswith(f"{error.name}."):
            return None
        _failures[path] = (
            f"the module {path} cannot be imported: {type(error).__name__}: {error}; "
            f"`python -c 'import {path}'` shows where"
        )
        raise InputError(_failures[path]) from error
