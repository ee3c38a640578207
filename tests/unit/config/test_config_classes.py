"""Classes by name, and what they take."""

import pytest
from torch import optim
from torchdrug import core, datasets, models, tasks
from torchdrug.core import Registry as R

from protclip_td.config.classes import arguments, class_kind, find_class
from protclip_td.datasets import AAV, ECSequences
from protclip_td.errors import InputError


@R.register("models.TwoNames")
class TwoNames(core.Configurable):
    """A model that shares its short name with a task."""


@R.register("tasks.TwoNames")
class TwoNamesTask(core.Configurable):
    """A task that shares its short name with a model."""


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("ESM", models.ESM),
        ("models.ESM", models.ESM),
        ("ProteinCNN", models.ProteinCNN),  # TorchDrug's short name, which is not registered
        ("PropertyPrediction", tasks.PropertyPrediction),
        ("datasets.Fluorescence", datasets.Fluorescence),
        ("td_datasets.AAV", AAV),  # as ProtST's configurations say
        ("td_datasets.EnzymeCommission", ECSequences),
        ("Engine", core.Engine),
        ("Adam", optim.Adam),
    ],
)
def test_known_names(name, cls):
    assert find_class(name) is cls


@pytest.mark.parametrize("name", ["E.M", "ES|M", "(", "", "models", "orescence", ".*"])
def test_names_are_no_patterns(name):
    with pytest.raises(InputError, match="unknown class"):
        find_class(name)


def test_unknown_name_suggests_the_nearest_of_its_kind():
    with pytest.raises(InputError, match=r"unknown class `Fluoresence`; did you mean `Fluoresc"):
        find_class("Fluoresence", "datasets")
    with pytest.raises(InputError, match=r"did you mean `Adam`"):
        find_class("adam", "optim")


def test_ambiguous_name():
    with pytest.raises(
        InputError, match=r"several classes: models.TwoNames, tasks.TwoNames; give the full name"
    ):
        find_class("TwoNames")
    assert find_class("TwoNames", "tasks") is TwoNamesTask
    assert find_class("models.TwoNames") is TwoNames
    assert class_kind(TwoNames) == "models"


def test_copied_arguments_are_followed():
    known, takes_more = arguments(datasets.Fluorescence)
    assert {"path", "transform", "lazy", "atom_feature"} <= set(known)
    assert "target_fields" not in known
    assert not takes_more
    assert known["path"].required
    assert known["transform"].documented == "Callable, optional"


def test_annotations_survive_torchdrug_wrapping():
    known, _ = arguments(optim.Adam)
    assert known["weight_decay"].annotation is float
    assert known["lr"].default == 1e-3


def test_open_keywords_are_known_as_such():
    class Open(core.Configurable):
        def __init__(self, path, **kwargs):
            pass

    known, takes_more = arguments(Open)
    assert list(known) == ["path"]
    assert takes_more
