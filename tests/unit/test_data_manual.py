"""The table of files in the manual is what the data sets ask for."""

import re
from pathlib import Path

import downstream_files as files
import pytest
from torchdrug import datasets

from protclip_td.datasets import AAV, Reaction, Thermostability

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()
CLASSES = {
    "bin": datasets.BinaryLocalization,
    "sub": datasets.SubcellularLocalization,
    "zero_shot_sub": datasets.SubcellularLocalization,
    "beta_lactamase": datasets.BetaLactamase,
    "aav": AAV,
    "thermostability": Thermostability,
    "fluorescence": datasets.Fluorescence,
    "stability": datasets.Stability,
    "human_ppi": datasets.HumanPPI,
    "yeast_ppi": datasets.YeastPPI,
    "ppi_affinity": datasets.PPIAffinity,
    "zero_shot_reaction": Reaction,
}


def row_of(name):
    (row,) = [line for line in MANUAL.splitlines() if re.match(rf"\|.*`{name}`[^|]* \|", line)]
    return row


@pytest.mark.parametrize("name", CLASSES)
def test_address_checksum_and_place(name, tmp_path, monkeypatch):
    cls, row = CLASSES[name], row_of(name)
    assert f"({cls.url}) | `{cls.md5}` |" in row
    (place,) = re.findall(r"\[`([^`]+)`\]", row)
    files.make(name, tmp_path, monkeypatch)
    assert (tmp_path / place).is_file()


@pytest.mark.parametrize("name", ["ec", "go_bp", "go_mf", "go_cc", "text_to_protein"])
def test_files_of_deepfri(name, tmp_path, monkeypatch):
    prefix, *endings = re.findall(r"`([^`]+)`", row_of(name).split("|")[2]) + (
        [] if name == "ec" else ["annot.tsv", "test.csv"]
    )
    files.make(name, tmp_path, monkeypatch)
    for ending in endings:
        assert (tmp_path / prefix.replace("*", ending)).is_file()
