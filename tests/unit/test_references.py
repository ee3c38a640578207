"""Names of the package in docstrings and comments are those of something that exists."""

import importlib
import re
from pathlib import Path

import pytest

import protclip_td

PACKAGE = Path(protclip_td.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# `formats.Format` and `data.reading.formats.detect`; `store.folder` may be a variable's attribute,
# and `config.json` a file.
DOTTED = re.compile(r"`((?:\w+\.)+[A-Z]\w*|\w+(?:\.\w+){2,})`")


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = [*map(module_of, FILES), "torchdrug.models"]
# What begins with one of these is a name of the package, or of TorchDrug's where those are alike.
OURS = {module.rpartition(".")[2] for module in MODULES}


def is_there(name):
    """Whether a name leads somewhere, from any module that its beginning may stand for."""
    *begin, last = name.split(".")
    ends = "." + ".".join(begin)
    named = [module for module in MODULES if f".{module}".endswith(ends)]
    return f"protclip_td.{name}" in MODULES or any(
        hasattr(importlib.import_module(module), last) for module in named
    )


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_references_lead_somewhere(path):
    names = set(DOTTED.findall(path.read_text()))
    assert [n for n in names if n.split(".")[0] in OURS and not is_there(n)] == []


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("data.reading.formats.Format", True),
        ("formats.Format", True),
        ("protclip_td.cli.main", True),
        ("data.reading.formats", True),
        ("models.ESM", True),
        ("data.formats.Format", False),
        ("formats.Formats", False),
    ],
)
def test_which_references_lead_somewhere(name, leads):
    assert is_there(name) is leads
