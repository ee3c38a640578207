"""Imports point one way, and importing the package costs little."""

import ast
import configparser
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import protclip_td_command
import pytest

import protclip_td
from protclip_td import cli

PACKAGE = Path(protclip_td.__file__).parent
# A part may import those to its left and itself.
ORDER = [
    {
        "version",
        "errors",
        "checks",
        "dependencies",
        "hooks",
        "properties",
        "whole_files",
        "wording",
    },
    {"data"},
    {"compat", "protanno"},
    {"datasets", "losses", "metrics", "models"},
    {"tasks"},
    {"training", "schedulers"},
    {"engine"},
    {"config"},
    {"building"},
    {"run"},
    {"benchmark"},
    {"cli"},
    {"_torchdrug", "_script"},
]
# The same within `data`.
DATA_ORDER = [
    {
        "biotext",
        "built_in",
        "digests",
        "entry",
        "proteins",
        "residues",
        "split_names",
        "target_numbers",
    },
    {"reading", "outside", "store"},
    {"gene_ontology", "sampling"},
]


def imported_parts(path, package="protclip_td"):
    """Parts of a package that a file imports when it runs, function bodies included."""
    tree = ast.parse(path.read_text())
    for_types_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        inside = (m.removeprefix(f"{package}.") for m in modules if m.startswith(f"{package}."))
        yield from (module.split(".")[0] for module in inside)


def check_one_way(path, package, order):
    def rank(part):
        return next((i for i, parts in enumerate(order) if part in parts), None)

    folder = PACKAGE.parent / package.replace(".", "/")
    part = path.relative_to(folder).parts[0].removesuffix(".py")
    assert rank(part) is not None, f"{part} has no place in the order of the parts"
    for other in imported_parts(path, package):
        if other in (part, "__version__"):
            continue
        assert rank(other) is not None, f"{path.name} imports {other}, which has no place"
        allowed = rank(other) < rank(part) or (rank(other) == rank(part) and rank(part) == 0)
        assert allowed, f"{path.relative_to(folder)} imports {other}, which stands above it"


@pytest.mark.parametrize(
    "path",
    [p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem != "__init__"],
    ids=str,
)
def test_imports_point_one_way(path):
    check_one_way(path, "protclip_td", ORDER)


@pytest.mark.parametrize(
    "path", [p for p in (PACKAGE / "data").rglob("*.py") if p.stem != "__init__"], ids=str
)
def test_imports_within_data_point_one_way(path):
    check_one_way(path, "protclip_td.data", DATA_ORDER)


def test_contributing_lists_the_parts_in_this_order():
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == ORDER


def test_import_loads_no_transformers():
    """Transformers alone would take the second that importing this package may cost."""
    code = "import protclip_td, sys; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


@pytest.mark.parametrize(("command", "registers"), [("run", "1"), ("protanno", "0")])
def test_commands_that_train_register_whatever_the_environment_says(
    monkeypatch, command, registers
):
    monkeypatch.setenv("PROTCLIP_TD_REGISTER", "0")
    monkeypatch.setattr(sys, "argv", ["protclip-td", command])
    monkeypatch.setattr(cli, "main", lambda: os.environ["PROTCLIP_TD_REGISTER"])
    assert protclip_td_command.main() == registers


def test_torchdrugs_way_to_run_registers_too(monkeypatch):
    seen = []
    monkeypatch.setenv("PROTCLIP_TD_REGISTER", "0")
    monkeypatch.setattr(cli, "run_main", lambda: seen.append(os.environ["PROTCLIP_TD_REGISTER"]))
    runpy.run_module("torchdrug.run", run_name="__main__")
    assert seen == ["1"]


def test_commands_on_data_load_no_torch(tmp_path):
    """They start at once, and a build has the memory for itself."""
    code = (
        "import sys; sys.argv = ['protclip-td', 'protanno', 'info', 'nowhere']; "
        "from protclip_td_command import main; print(main(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
    assert "nowhere holds no ProtAnno store" in done.stderr


def test_all_folders_of_the_package_are_installed():
    """An editable install has them all the same; one from a wheel would not."""
    setup = configparser.ConfigParser()
    setup.read(PACKAGE.parent / "setup.cfg")
    installed = set(setup["options"]["packages"].split())
    folders = {
        ".".join(path.parent.relative_to(PACKAGE.parent).parts)
        for path in PACKAGE.rglob("*/__init__.py")
    }
    assert folders - {"protclip_td._script"} <= installed
    assert {name for name in installed if name.startswith("protclip_td.")} - folders == {
        "protclip_td.yaml_configs"
    }
