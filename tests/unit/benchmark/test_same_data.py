"""Which runs of one case were not on the same data, and what is said of them."""

import json

import pytest

from protclip_td.benchmark import choose
from protclip_td.benchmark.jobs import plan, read_result
from protclip_td.benchmark.same_data import with_other_data

FILES = {"a.txt": "1f", "b.txt": "2e", "c.txt": "3d"}


def reason(folder, *manifests):
    """What is said of the last of several seeds, each with what its folder tells of its data."""
    jobs = list(plan(*choose(["ec"]), [("model", i) for i in range(len(manifests))], folder))
    for job, manifest in zip(jobs, manifests):
        run = job.folder / "2026-01-01_00-00-00"
        run.mkdir(parents=True)
        (run / "results.json").write_text('{"epoch": 1, "f1_max": 0.5}')
        (run / "config.yaml").write_text("train: {num_epoch: 1}")
        if manifest is not None:
            (run / "data_manifest.json").write_text(json.dumps(manifest))
    found = with_other_data(map(read_result, jobs))
    assert set(found) <= {str(jobs[-1])}
    return found.get(str(jobs[-1]), "")


def test_only_what_differs_is_said(tmp_path):
    mine = {"files": {**FILES, "b.txt": "00"}, "splits": {"train": 2, "test": 9}, "chains": "all"}
    theirs = {"files": FILES, "splits": {"train": 3, "test": 9}, "chains": "all"}
    said = reason(tmp_path, mine, theirs)
    assert said.startswith(
        "its data are not those of ec (seed 0): files: {'b.txt': '2e'}, and {'b.txt': '00'}; "
        "splits: {'train': 3}, and {'train': 2}. It is left out"
    )


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        {"files": {f"other_{name}": checksum for name, checksum in FILES.items()}},
        {"files": FILES, "folder": "there", "split_file": "there.json"},
    ],
    ids=["no manifest", "other names", "another place"],
)
def test_data_that_are_not_other(tmp_path, manifest):
    here = {"files": FILES, "folder": "here", "split_file": "here.json"}
    assert reason(tmp_path, here, here, manifest) == ""


def test_lists_in_a_manifest_may_differ(tmp_path):
    first, second = ({"classes": {"place": [name]}} for name in ("Nucleus", "Membrane"))
    assert "classes: {'place': ['Membrane']}, and {'place': ['Nu" in reason(tmp_path, first, second)
