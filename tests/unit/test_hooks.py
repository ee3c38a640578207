"""What a data set, task, model or schedule may say is what this package asks for."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

import protclip_td
from protclip_td import hooks

PACKAGE = Path(protclip_td.__file__).parent
NAMES = {
    name
    for _, cls in inspect.getmembers(hooks, inspect.isclass)
    if cls.__module__ == hooks.__name__
    for name in {*vars(cls), *cls.__annotations__}
    if not name.startswith("_")
}


def test_what_a_part_says_of_itself_counts_more_than_what_its_data_set_says():
    whole = SimpleNamespace(label_names=["whole"])
    part = SimpleNamespace(dataset=whole)
    own = SimpleNamespace(dataset=whole, label_names=["own"])
    assert hooks.behind_split(SimpleNamespace(dataset=part), "label_names") is whole
    assert hooks.behind_split(SimpleNamespace(dataset=own), "label_names") is own
    assert hooks.behind_split(own, "tasks") is whole


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_is_asked_for(name):
    callers = ("compat", "training", "building", "tasks", "run.py")
    files = [p for c in callers for p in [PACKAGE / c, *(PACKAGE / c).rglob("*")] if p.is_file()]
    code = "\n".join(path.read_text() for path in files if path.suffix == ".py")
    assert f".{name}" in code or f'"{name}"' in code
