"""YAML to plain values, with the line of every key.

Differs from PyYAML's `safe_load` in three ways: `1e-5` is a number (PyYAML wants `1.0e-5`), a key
that stands twice is a mistake instead of silently the last one, and lines are kept.
"""

import re
from typing import Any, NamedTuple

import yaml

from protclip_td.config.mistakes import Mistake

#: Where a value stands: keys and list positions from the top, such as ("task", "metric", 0).
KeyPath = tuple[str | int, ...]

_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"


class Document(NamedTuple):
    """A YAML file as values.

    Parameters:
        values (dict): the content
        lines (dict): line of each value by its path, from 1
        mistakes (list of Mistake): syntax errors and repeated keys
    """

    values: dict[str, Any]
    lines: dict[KeyPath, int]
    mistakes: list[Mistake]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with floats as everybody writes them."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node.

        Raises:
            yaml.YAMLError: it is none; PyYAML's own error of `2026-31-01` or `0x` is another one
        """
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                problem=f"no {kind} ({error}); if it is text, put it in quotes",
                problem_mark=node.start_mark,
            ) from error


# YAML 1.2's floats; PyYAML's pattern demands a dot and a signed exponent.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
        r"|[-+]?[0-9]+[eE][-+]?[0-9]+$"
        r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


def read_scalar(text: str) -> Any:
    """What YAML makes of a value by itself: ``"1e-5"`` → 1e-05, ``"null"`` → None.

    Raises:
        yaml.YAMLError: the text is no YAML
    """
    return yaml.load(text, Loader=_Loader)


def read_document(text: str) -> Document:
    """Read YAML text.

    Parameters:
        text (str): content of the file, without jinja

    Returns:
        Document: whose `values` are empty when the text could not be parsed
    """
    document = Document({}, {}, [])
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"the character {chr(error.character)!r} must not stand in a file"
        message = f"{found}; remove it, or save the file as UTF-8"
        return document._replace(mistakes=[Mistake("YAML", message, line)])
    try:
        node = loader.get_single_node()
        values = _Reader(loader, document).read(node, ()) if node else {}
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax_mistake(error))
        return document
    finally:
        loader.dispose()
    if isinstance(values, dict):
        return document._replace(values=values)
    mistake = Mistake("the whole file", "expected keys with values, such as `dataset:`", 1)
    return document._replace(mistakes=[mistake])


class _Reader:
    """Walks PyYAML's nodes, noting lines and repeated keys in the document."""

    def __init__(self, loader: _Loader, document: Document) -> None:
        self.loader = loader
        self.document = document

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
            return self.read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQUENCE:
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def read_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self.note_repeated(node, path)
        self.loader.flatten_mapping(node)  # `<<: *anchor`
        values = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            self.document.lines[(*path, key)] = key_node.start_mark.line + 1
            values[key] = self.read(value_node, (*path, key))
        return values

    def note_repeated(self, node: yaml.MappingNode, path: KeyPath) -> None:
        first_lines: dict[str, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem="a key must be a word", problem_mark=key_node.start_mark
                )
            if key_node.value in first_lines:
                message = f"stands twice; the first is in line {first_lines[key_node.value]}"
                self.document.mistakes.append(
                    Mistake(dotted((*path, key_node.value)), message, line)
                )
            first_lines.setdefault(key_node.value, line)


def dotted(path: KeyPath) -> str:
    """A path as people write it.

    Example::

        >>> dotted(("task", "metric", 0))
        'task.metric[0]'
    """
    words = ""
    for key in path:
        words += f"[{key}]" if isinstance(key, int) else f".{key}"
    return words.lstrip(".")


def _syntax_mistake(error: yaml.YAMLError) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return Mistake("YAML", problem, mark.line + 1 if mark else None)
