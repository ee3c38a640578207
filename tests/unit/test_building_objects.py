"""What is said when a block of a configuration cannot become an object."""

import pytest
from torchdrug import core

from protclip_td.building.objects import build_object
from protclip_td.errors import InputError


@pytest.fixture
def picky(monkeypatch):
    class Picky(core.Configurable):
        def __init__(self, reason):
            raise ValueError(reason)

    monkeypatch.setattr("protclip_td.building.objects.find_class", lambda *_: Picky)


@pytest.mark.parametrize("reason", ["no file", "Picky: no file", "Picky reads no file"])
def test_the_class_is_named_once(picky, reason):
    with pytest.raises(InputError) as error:
        build_object({"class": "Picky", "reason": reason})
    assert str(error.value).count("Picky") == 1
    assert str(error.value).endswith("no file")
