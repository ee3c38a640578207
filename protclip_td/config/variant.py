"""Configurations in few lines: another one, with values of their own for its variables.

`base:` names that other file and `set:` gives its variables their defaults::

    # Gene Ontology, biological process
    base: function_annotation.yaml
    set: {dataset: GOSequences, branch: BP}
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from protclip_td.config.document import Document, read_document
from protclip_td.config.mistakes import Mistake, report
from protclip_td.config.template import Variable, find_variables, to_yaml
from protclip_td.errors import InputError
from protclip_td.wording import did_you_mean

_BASE_KEY = re.compile(r"^base\s*:", re.MULTILINE)
_KEYS = ("base", "set")


class Source(NamedTuple):
    """A configuration as written, before its variables are filled in.

    Parameters:
        path (Path): the file
        text (str): its text; a variant's is that of its base
        variables (list of Variable): with a variant's own defaults
        values (dict): what a variant sets
        headers (list of str): text to take the manual from; a variant's own, then its base's
        base (Path, optional): file that a variant is made from
    """

    path: Path
    text: str
    variables: list[Variable]
    values: dict[str, Any]
    headers: list[str]
    base: Path | None = None

    @property
    def names(self) -> set[str]:
        """Names of the variables."""
        return {variable.name for variable in self.variables}

    def __str__(self) -> str:
        return f"{self.path} (lines of {self.base.name})" if self.base else str(self.path)


def read_source(path: Path) -> Source:
    """Read a configuration file, and the one that it is a variant of.

    Raises:
        InputError: a file cannot be read, its jinja part neither, or a variant sets something that
            its base does not know
    """
    text = _read_text(path)
    if not _BASE_KEY.search(text):
        return Source(path, text, _read_variables(path, text), {}, [text])
    document = read_document(text)
    mistakes = document.mistakes or _check_keys(path, document)
    if mistakes:
        raise report(path, mistakes)
    base = path.parent / document.values["base"]
    base_text = _read_text(base)
    variables = _read_variables(base, base_text)
    values = document.values.get("set") or {}
    mistakes = _check_names(values, variables, document)
    if mistakes:
        raise report(path, mistakes)
    return Source(
        path, base_text, _with_defaults(variables, values), values, [text, base_text], base
    )


def _check_keys(path: Path, document: Document) -> list[Mistake]:
    """What is wrong with a variant by itself."""
    values, lines = document.values, document.lines
    mistakes = [
        Mistake(key, f"unknown key in a variant{did_you_mean(key, _KEYS)}", lines[(key,)])
        for key in values
        if key not in _KEYS
    ]
    base = values["base"]
    if not isinstance(base, str) or not (path.parent / base).is_file():
        message = f"there is no file {base!r} beside this one"
        mistakes.append(Mistake("base", message, lines[("base",)]))
    elif _BASE_KEY.search(_read_text(path.parent / base)):
        message = f"{base} is a variant itself; name the file that it is made from"
        mistakes.append(Mistake("base", message, lines[("base",)]))
    if not isinstance(values.get("set") or {}, dict):
        message = "expected variables with values, such as {branch: BP}"
        mistakes.append(Mistake("set", message, lines[("set",)]))
    return mistakes


def _check_names(
    values: dict[str, Any], variables: list[Variable], document: Document
) -> list[Mistake]:
    names = [variable.name for variable in variables]
    return [
        Mistake(
            f"set.{name}",
            f"the base has no such variable{did_you_mean(name, names)}",
            document.lines[("set", name)],
        )
        for name in values
        if name not in names
    ]


def _with_defaults(variables: list[Variable], values: dict[str, Any]) -> list[Variable]:
    """The base's variables with the defaults that a variant gives them."""
    return [
        variable._replace(has_default=True, default=str(to_yaml(values[variable.name])))
        if variable.name in values
        else variable
        for variable in variables
    ]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from error


def _read_variables(path: Path, text: str) -> list[Variable]:
    try:
        return find_variables(text)
    except jinja2.TemplateSyntaxError as error:
        mistake = Mistake("jinja", error.message or "cannot be read", error.lineno)
        raise report(path, [mistake]) from error
