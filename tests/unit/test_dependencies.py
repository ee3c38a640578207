"""A missing piece of TorchDrug's stack is named, with the command that brings it."""

import importlib

import pytest

from protclip_td import dependencies


@pytest.mark.parametrize(
    ("missing", "piece", "command"),
    [
        ("torch_scatter", "torch-scatter", "pip install --no-build-isolation torch-scatter"),
        ("torch_cluster", "torch-cluster", "pip install --no-build-isolation torch-cluster"),
        ("torchdrug", "TorchDrug 0.2.1", "--ignore-requires-python torchdrug==0.2.1"),
        ("rdkit.Chem.Draw.mplCanvas", "RDKit that TorchDrug can use", '"rdkit<2024.9"'),
    ],
)
def test_missing_piece_is_named_with_its_command(monkeypatch, missing, piece, command):
    real = importlib.import_module

    def without(name):
        if name == missing:
            raise ModuleNotFoundError(f"No module named '{name}'")
        return real(name)

    monkeypatch.setattr(dependencies.importlib, "import_module", without)
    with pytest.raises(ImportError, match=f"protclip_td needs .*{piece}") as caught:
        dependencies.check_dependencies()
    assert command in str(caught.value)
