"""The jinja side of a configuration: variables that become flags."""

import json
import re
from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any, NamedTuple

import jinja2
import yaml
from jinja2 import meta, nodes

from protclip_td.config.document import read_scalar

#: Stands where a variable is missing, so that the rest can still be checked.
MISSING = "<needed>"


class Variable(NamedTuple):
    """A variable of a configuration.

    Parameters:
        name (str): name, without ``--``
        has_default (bool): whether the file gives a default
        default (str): the default as it would stand in the file, "" without one
        explanation (str): the comment beside the first line that has one, or right above it
    """

    name: str
    has_default: bool
    default: str
    explanation: str


class Rendered(NamedTuple):
    """A configuration without jinja.

    Parameters:
        text (str): YAML text
        missing (list of str): variables without value, `MISSING` in the text
        lines (list of int): line in the source for each line of `text`
    """

    text: str
    missing: list[str]
    lines: list[int]


def find_variables(source: str) -> list[Variable]:
    """Variables of a configuration, in the order of their first use.

    Raises:
        jinja2.TemplateSyntaxError: the jinja part cannot be read
    """
    tree = jinja2.Environment().parse(source)
    names = _names(tree)
    uses: dict[str, list[int]] = {}
    for node in sorted(tree.find_all(nodes.Name), key=lambda node: node.lineno):
        if node.name in names:
            uses.setdefault(node.name, []).append(node.lineno)
    defaults = _defaults(tree)
    text = source.splitlines()
    return [
        Variable(name, name in defaults, defaults.get(name, ""), _first_explanation(text, lines))
        for name, lines in uses.items()
    ]


def _names(tree: nodes.Template) -> set[str]:
    """Names that have to come from outside."""
    return meta.find_undeclared_variables(tree) - set(jinja2.defaults.DEFAULT_NAMESPACE)


def _defaults(tree: nodes.Template) -> dict[str, str]:
    """Default of each variable that stands before a `default(…)` filter."""
    defaults: dict[str, str] = {}
    for node in tree.find_all(nodes.Filter):
        if node.name in ("default", "d") and isinstance(node.node, nodes.Name) and node.args:
            try:
                text = to_yaml(node.args[0].as_const())
            except nodes.Impossible:
                text = getattr(node.args[0], "name", "computed")
            defaults.setdefault(node.node.name, str(text))
    return defaults


def _first_explanation(text: list[str], lines: list[int]) -> str:
    """The comment at the first of some lines that has one: an `{% if %}` may come before it."""
    return next(filter(None, (explanation(text, line) for line in lines)), "")


def explanation(lines: list[str], number: int) -> str:
    """The comment beside a line, or else the comment lines right above it."""
    line = lines[number - 1]
    if "#" in line.rpartition("}}")[2]:
        return line.rpartition("}}")[2].partition("#")[2].strip()
    above: list[str] = []
    for other in reversed(lines[: number - 1]):
        if not other.strip().startswith("#"):
            break
        above.insert(0, other.strip().lstrip("#").strip())
    return " ".join(above)


def render(source: str, variables: Mapping[str, Any]) -> Rendered:
    """Fill in the variables.

    Parameters:
        source (str): content of the file
        variables (dict): values by name

    Raises:
        jinja2.TemplateError: the jinja part cannot be read, or computes with a missing variable
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, finalize=to_yaml, keep_trailing_newline=True
    )
    missing: set[str] = set()
    names = _names(environment.parse(source)) - variables.keys()
    values = {**variables, **{name: _Missing(name, missing) for name in names}}
    text = environment.from_string(source).render(values)
    return Rendered(text, sorted(missing), source_lines(source, text))


class _Missing(jinja2.StrictUndefined):
    """Stands for a variable without a value, which may be used nowhere or have a default.

    Parameters:
        name (str): the variable
        missing (set of str): where it puts its name once its value is asked for
    """

    def __init__(self, name: str, missing: set[str]) -> None:
        super().__init__(name=name)
        self._missing = missing

    def __str__(self) -> str:  # type: ignore[override]
        self._missing.add(str(self._undefined_name))
        return MISSING

    def __bool__(self) -> bool:  # type: ignore[override]
        return bool(str(self))


def to_yaml(value: Any) -> Any:
    """A value as it has to stand in YAML to be read back as the same.

    A text that YAML would cut (`` #``) or misread (``: ``) is put in quotes; one that YAML reads
    as another type is left alone, since ``--branch null`` means just that.
    """
    if value is None or isinstance(value, (bool, list, tuple, dict)):
        return json.dumps(value, default=str)  # a missing variable may be among the values
    if isinstance(value, float) and not isfinite(value):
        return ".nan" if isnan(value) else str(value).replace("inf", ".inf")
    if isinstance(value, str) and isinstance(read_value(value), str) and not _is_plain(value):
        return json.dumps(value)
    return value


def read_value(text: str) -> Any:
    """The value of a flag, as if it stood in the file; a text is taken whole."""
    try:
        read = read_scalar(text)
    except yaml.YAMLError:
        return text
    is_text = isinstance(read, str) or (isinstance(read, dict) and not text.startswith("{"))
    return text if is_text else read


def _is_plain(text: str) -> bool:
    """Whether YAML reads a text as itself without quotes."""
    try:
        return read_scalar(text) == text
    except yaml.YAMLError:
        return False


def source_lines(source: str, text: str) -> list[int]:
    """For each line of the rendered text the line it comes from.

    Blocks such as ``{% if %}`` take lines away or repeat them; a line belongs to the nearest line
    of the source, from the last match on, that could have made it.
    """
    patterns = [_line_pattern(line) for line in source.splitlines()]
    numbers: list[int] = []
    position = 0
    for line in text.splitlines():
        order = [*range(position, len(patterns)), *range(position)]
        found = next((i for i in order if patterns[i].fullmatch(line)), position)
        numbers.append(min(found, len(patterns) - 1) + 1)
        position = found + 1
    return numbers


def _line_pattern(line: str) -> re.Pattern[str]:
    if re.fullmatch(r"\s*\{%[^%]*%\}\s*", line):
        return re.compile(r"\s*")  # a block's own line leaves nothing behind
    marks = [*re.finditer(r"\{\{.*?(?:\}\}|$)|\{%.*?%\}|\{#.*?#\}", line)]
    if not marks:
        return re.compile(re.escape(line))
    start, end = line[: marks[0].start()], line[marks[-1].end() :]
    return re.compile(f"{re.escape(start)}.*{re.escape(end)}")
