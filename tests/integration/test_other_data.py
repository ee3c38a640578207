"""A run goes on with the data it was begun with, or not at all."""

import json
import shutil
from pathlib import Path

import downstream_files as files
import graph_files
import pytest

from protclip_td import cli
from protclip_td.config import load_config
from protclip_td.datasets import ProtAnno, STRINGActions
from protclip_td.errors import InputError
from protclip_td.run import run
from protclip_td.training.data_manifest import as_json, refuse_other_data
from protclip_td.training.run_folder import RunFolder


@pytest.fixture
def begun(tmp_path, tiny_protein_folder):
    """The data and the folder of a run on them."""
    files.make_ec(tmp_path / "data")
    words = [f"--path={tmp_path}/data", f"--encoder={tiny_protein_folder}", "--num_epoch=1"]
    run(load_config("ec", [*words, "--batch_size=16", f"--output_dir={tmp_path}/runs"]))
    (folder,) = [path for path in (tmp_path / "runs").iterdir() if path.name != "kept_features"]
    return tmp_path / "data" / "EnzymeCommission", folder


def test_resuming_on_other_data_is_refused(begun, capsys):
    data, folder = begun
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lists = [data / f"nrPDB-EC_{name}.txt" for name in ("train", "valid")]
    train, valid = (path.read_text() for path in lists)
    moved, _, others = train.partition("\n")
    lists[0].write_text(others)
    lists[1].write_text(f"{moved}\n{valid}")
    assert cli.main(["run", "--resume", str(folder)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{folder} was begun with other data than there are now: files: " in said
    assert "splits: {'train': 15, 'valid': 5}, and {'train': 16, 'valid': 4}" in said
    assert "put the data back as they were, or start a new run" in said
    changed = {path.name for path in before if path.read_bytes() != before[path]}
    assert changed <= {"log.txt", ".lock"}
    lists[0].write_text(train)
    lists[1].write_text(valid)
    assert cli.main(["run", "--resume", str(folder)]) == 0


def test_the_same_data_elsewhere_are_the_same(begun, tmp_path):
    data, folder = begun
    shutil.copytree(data.parent, tmp_path / "elsewhere")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace(f"{data.parent}", f"{tmp_path}/elsewhere"))
    assert cli.main(["run", "--resume", str(folder)]) == 0


@pytest.mark.parametrize(
    ("now", "then", "is_same"),
    [
        ({"files": {"a": "1", "b": "2"}}, {"files": {"b": "1", "a": "2"}}, False),
        ({"files": {"a": "1"}}, {"files": {"other": "1"}}, True),
        ({"counts": {"a": 1}}, {"counts": {"other": 1}}, False),
        ({"what": Path("here")}, {"what": Path("there")}, False),
        ({"mean": float("nan"), "by": {"x": float("nan")}}, None, True),
        ({"what": object()}, {"what": object()}, True),
        ({"splits": (1, 2)}, {"splits": [1, 2]}, True),
    ],
)
def test_what_is_the_same(now, then, is_same, tmp_path):
    """Lists that were exchanged are not; what JSON cannot tell apart is."""
    folder = RunFolder(tmp_path)
    (folder.path / "data_manifest.json").write_text(as_json(then or now))
    folder.close()
    if is_same:
        refuse_other_data(tmp_path, now)
    else:
        with pytest.raises(InputError, match="begun with other data"):
            refuse_other_data(tmp_path, now)


def test_a_store_made_anew_of_the_same_source_is_the_same(sample_path, tmp_path):
    """Under another name, elsewhere, by another version, with the release's date beside it."""
    (tmp_path / "other").mkdir()
    copy = shutil.copy(sample_path, tmp_path / "other" / "copy.dat.gz")
    (tmp_path / "other" / "reldate.txt").write_text(
        "UniProtKB/Swiss-Prot Release 2024_01 of 24-Jan-2024\n"
    )
    first = ProtAnno(tmp_path / "a", source=sample_path).manifest
    other = ProtAnno(tmp_path / "b", source=copy).manifest
    (tmp_path / "data_manifest.json").write_text(json.dumps(first))
    refuse_other_data(tmp_path, {**other, "versions": {"pyarrow": "0"}})
    fewer = ProtAnno(tmp_path / "b", source=copy, coverages=(4,)).manifest
    with pytest.raises(InputError, match=r"begun with other data .*coverages"):
        refuse_other_data(tmp_path, fewer)


def test_another_split_of_the_same_pairs_is_other_data(tmp_path, sample_entries):
    data = tmp_path / "data"
    kinds = graph_files.two_kinds(sample_entries)
    graph_files.write_string_actions(data, kinds, partners=3, seed=0)
    first, other = (STRINGActions(data, seed=seed).manifest for seed in (0, 1))
    (tmp_path / "data_manifest.json").write_text(json.dumps(first))
    refuse_other_data(tmp_path, first)
    with pytest.raises(InputError, match=r"begun with other data .*split_sha256"):
        refuse_other_data(tmp_path, other | {"seed": first["seed"]})
    (tmp_path / "data_manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"data_manifest.json is damaged"):
        refuse_other_data(tmp_path, first)
