"""What `--help` says about a configuration."""

import re
import textwrap
from itertools import takewhile
from pathlib import Path

from protclip_td.config.loading import find_config, shipped_configs
from protclip_td.config.template import Variable
from protclip_td.config.variant import read_source
from protclip_td.wording import WIDTH

# Up to a full stop or question mark that ends a word; numbers such as .567 begin with one.
_SENTENCE = re.compile(r".*?[.?!](?=\s|$)|.*")


def describe(path: str | Path) -> str:
    """The manual of a configuration: its header, and its variables with their defaults.

    Raises:
        InputError: there is no such configuration, or its jinja part cannot be read
    """
    source = read_source(find_config(path))
    own, *of_base = map(header, source.headers)
    lines = [f"{source.path}", "", *own, ""]
    if source.base:
        lines += [f"It is a variant of {source.base.name}:", "", *of_base[0], ""]
    if not source.variables:
        return "\n".join([*lines, "It has no variables."])
    return "\n".join([*lines, "Variables:", *_table(source.variables)])


def header(text: str) -> list[str]:
    """The comment block that a configuration begins with, without its marks."""
    block: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        block.append(line.removeprefix("#").removeprefix(" ").rstrip())
    return block


def list_shipped() -> str:
    """The shipped configurations, with the first sentence of their headers."""
    configs = shipped_configs()
    width = max(map(len, configs), default=0)
    lines = ["Shipped configurations:"]
    for name, path in configs.items():
        lines += _row(f"  {name}", width + 4, _purpose(read_source(path).headers[0]))
    return "\n".join(lines)


def _purpose(text: str) -> str:
    """The first sentence of a configuration's header."""
    paragraph = " ".join(takewhile(bool, header(text)))
    return _SENTENCE.match(paragraph)[0]  # type: ignore[index]


def _table(variables: list[Variable]) -> list[str]:
    flags = [f"  --{variable.name}" for variable in variables]
    width = max(map(len, flags)) + 2
    lines: list[str] = []
    for flag, variable in zip(flags, variables):
        default = f"(default: {variable.default})" if variable.has_default else "(needed)"
        lines += _row(flag, width, f"{variable.explanation} {default}".strip())
    return lines


def _row(name: str, width: int, text: str) -> list[str]:
    """A name, and beside it a text on as many lines as it needs."""
    start = f"{name:{width}}"
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * width) or [
        start.rstrip()
    ]
