"""Classes of a module of one's own, by dotted path."""

import importlib
import re
import sys

import pytest
from torchdrug import models

from protclip_td.config.classes import find_class
from protclip_td.config.encoder import PEER_SETTINGS, encoder_block, starts_from_scratch
from protclip_td.config.loading import load_config
from protclip_td.errors import InputError

HEAD = "from torchdrug import core\nfrom torchdrug.core import Registry as R\n"


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module into the current folder, where only `find_class` will look for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(HEAD + text)
        importlib.invalidate_caches()

    return write


@pytest.mark.parametrize("kind", ["models", "datasets", "tasks", "transforms", "optim"])
def test_every_kind_is_found_in_the_current_folder(kind, write_module):
    write_module(
        f"own_{kind}",
        f'@R.register("{kind}.Own{kind}")\nclass Mine(core.Configurable):\n    pass\n',
    )
    cls = find_class(f"own_{kind}.Mine", kind)
    assert cls.__module__ == f"own_{kind}"
    assert find_class(f"own_{kind}.Mine", kind) is cls
    assert find_class(f"Own{kind}") is cls  # registered from now on


def test_in_a_folder_of_modules(write_module, tmp_path):
    (tmp_path / "my_package").mkdir()
    write_module("my_package/deep", '@R.register("models.Deep")\nclass Deep:\n    pass\n')
    assert find_class("my_package.deep.Deep").__name__ == "Deep"


def test_a_copy_of_an_encoder_has_settings_of_its_own(write_module):
    text = 'from torchdrug import models\n@R.register("models.MyCopy")\n'
    write_module("my_copy", f"{text}class ProteinLSTM(models.ProteinLSTM):\n    pass\n")
    assert encoder_block("my_copy.ProteinLSTM") == {"class": "my_copy.ProteinLSTM"}
    assert starts_from_scratch("my_copy.ProteinLSTM")
    assert encoder_block("ProteinLSTM").keys() == {"class", *PEER_SETTINGS["models.ProteinLSTM"]}


def test_no_such_module(write_module, tmp_path):
    said = f"unknown class `my_gone.Mine`; there is no module my_gone in {tmp_path} or among those"
    with pytest.raises(InputError, match=re.escape(said)):
        find_class("my_gone.Mine")
    write_module("my_gone", '@R.register("models.Late")\nclass Mine:\n    pass\n')
    assert find_class("my_gone.Mine")


def test_no_module_within_a_module(write_module):
    write_module("my_flat", "")
    with pytest.raises(InputError, match=r"there is no module my_flat\.deeper in"):
        find_class("my_flat.deeper.Mine")


def test_no_such_class(write_module):
    write_module("my_typo", '@R.register("models.MyEncoder1")\nclass MyEncoder1:\n    pass\n')
    said = r"class `my_typo.MyEncoder`; did you mean `my_typo.MyEncoder1`\?; the module my_typo \("
    with pytest.raises(InputError, match=said):
        find_class("my_typo.MyEncoder")
    with pytest.raises(InputError, match=r"the module my_typo \(.*my_typo.py\) has no class HEAD"):
        find_class("my_typo.HEAD")


@pytest.mark.parametrize("base", ["core.Configurable", "models.ProteinLSTM"])
def test_not_registered(base, write_module):
    name = f"my_plain_{base.partition('.')[0]}"
    write_module(name, f"from torchdrug import models\nclass Plain({base}):\n    pass\n")
    said = f'`{name}.Plain` is not registered with TorchDrug; write `@R.register("tasks.Plain")` ab'
    with pytest.raises(InputError, match=re.escape(said)):
        find_class(f"{name}.Plain", "tasks")


@pytest.mark.parametrize(
    ("name", "line", "cause"),
    [
        ("my_key", "{}['key']", "KeyError: 'key'"),
        ("my_need", "import gone.away", "ModuleNotFoundError: No module named 'gone'"),
        ("my_syntax", "class :", "SyntaxError: invalid syntax (my_syntax.py, line 6)"),
        ("my_exit", "raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported(name, line, cause, write_module):
    """The same is said each time, although its class has been registered by then."""
    write_module(name, f'@R.register("models.{name}")\nclass Own:\n    pass\n{line}\n')
    said = f"the module {name} cannot be imported: {cause}; `python -c 'import {name}'` shows where"
    for _ in range(2):
        with pytest.raises(InputError, match=re.escape(said)):
            find_class(f"{name}.Own")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("models.ProteinConvolutionalNetwrk", "ProteinConvolutionalNetwork"),
        ("datasets.Fluorescense", "Fluorescence"),
    ],
)
def test_a_typo_of_a_registered_name(typo, meant, write_module):
    with pytest.raises(InputError, match=f"unknown class `{typo}`; did you mean `{meant}`"):
        find_class(typo, typo.partition(".")[0])


def test_a_registered_name_comes_first(write_module):
    write_module("models", "raise ValueError('imported')")
    assert find_class("models.ProteinLSTM") is models.ProteinLSTM


def test_all_mistakes_are_told_once(write_module, tmp_path):
    write_module("my_shaky", '@R.register("tasks.Shaky")\nclass Shaky:\n    pass\n1 / 0')
    (tmp_path / "mine.yaml").write_text(
        "dataset: {class: my_shaky.Data}\ntask: {class: my_shaky.Shaky, model: null}\n"
        "train: {num_epoch: 0}\n"
    )
    with pytest.raises(InputError, match=r"mine\.yaml has 2 mistakes") as error:
        load_config("mine.yaml")
    assert str(error.value).count("my_shaky cannot be imported: ZeroDivisionError: divis") == 2
