"""A store's report: what it says, and that it says it in the same bytes."""

import matplotlib
import numpy as np
import pytest

from protclip_td.data.store.tally import Tally
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.epochs import expected_epochs
from protclip_td.protanno.report import write_report


@pytest.fixture(scope="module")
def manifest(sample_entries):
    """A manifest as a build of the sample makes it."""
    before, after = Tally(), Tally()
    before.add(sample_entries)
    after.add([e for e in sample_entries if e.confidence <= 3 and e.coverage >= 3])
    return {
        "entries": int(after.counts.sum()),
        "inputs": [{"name": "<b>sample</b>.dat.gz", "size": 952423, "sha256": "ab" * 32}],
        "options": BuildOptions().as_dict(),
        "counts": {"before": before.counts.tolist(), "after": after.counts.tolist()},
        "rejected": {"letters that are no residues": 2},
        "dropped": {"confidence or coverage": 14},
        "excluded": [{"name": "test.fasta", "sequences": 1234, "identical": 3, "similar": 0}],
        "splits": _splits(after.counts),
        "statistics": after.histograms(),
        "versions": {"protclip_td": "1.0"},
        "groups": [{"parts": [{"bytes": 65432}]}],
    }


def _splits(counts):
    """A split of them all, but for one to test with."""
    test = np.zeros_like(counts)
    test[0, 3] = 1
    return {"train": (counts - test).tolist(), "valid": [[0] * 4] * 5, "test": test.tolist()}


def files_of(manifest, folder):
    folder.mkdir()
    write_report(manifest, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def text(manifest, tmp_path_factory):
    """The page of that manifest."""
    return files_of(manifest, tmp_path_factory.mktemp("page") / "report")["report.html"].decode()


def test_report_is_a_page_with_pictures(manifest, tmp_path):
    files = files_of(manifest, tmp_path / "report")
    page = files.pop("report.html").decode()
    assert set(files) == {"composition.png", "lengths.png", "epochs.png"}
    for name, content in files.items():
        assert content.startswith(b"\x89PNG")
        assert f'src="{name}"' in page


def test_report_is_made_of_the_same_bytes_again(manifest, tmp_path):
    first = files_of(manifest, tmp_path / "first")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):  # somebody's own settings
        assert files_of(manifest, tmp_path / "second") == first
    assert not any(b"Software" in content for content in first.values())


def test_report_escapes_what_it_prints_and_fetches_nothing(text):
    assert "&lt;b&gt;sample&lt;/b&gt;.dat.gz" in text
    assert "<b>" not in text
    assert "<script" not in text
    assert "http" not in text


@pytest.mark.parametrize(
    "words",
    [
        "of 209 that were read",
        "<td>66.61%</td>",  # ProtAnno-D's share of C = 4
        "<td>36.91%</td>",  # ProtAnno-S's share of R = 3/4
        "<td>letters that are no residues</td><td>2</td>",
        "<td>confidence or coverage</td><td>14</td>",
        "<td>test.fasta</td><td>1,234</td><td>3</td><td>0</td>",
        "<td>952,423</td><td>" + "ab" * 32,
        "<td>test</td><td>1</td><td>0.51%</td>",
        "Of the pairs that were kept.",
    ],
)
def test_report_says(text, words):
    assert words in text


def epochs_of(train, **options):
    """Times per epoch in a store with so many entries to train on."""
    options = {**BuildOptions().as_dict(), **options}
    return expected_epochs({"splits": {"train": train.tolist()}, "options": options})


def test_expected_epochs_follow_the_rule():
    counts = np.zeros((5, 4), dtype=int)
    counts[0, 3], counts[2, 3] = 10, 270  # weights 1 and 1/27, so each has half of the draws
    epochs = epochs_of(counts)
    assert epochs[0, 3] == pytest.approx(14)
    assert epochs[2, 3] == pytest.approx(140 / 270)
    assert np.count_nonzero(epochs) == 2


def test_expected_epochs_are_those_of_the_training_split():
    train = np.zeros((5, 4), dtype=int)
    train[2, 2] = train[2, 3] = 10
    options = BuildOptions().as_dict()
    splits = {"train": train.tolist(), "test": (train + 5).tolist()}
    epochs = expected_epochs({"splits": splits, "options": options})
    assert (epochs * train).sum() == pytest.approx(train.sum())
    assert epochs[2, 2] / epochs[2, 3] == pytest.approx(0.75**0.5)


def test_thinned_entries_come_alike():
    counts = np.zeros((5, 4), dtype=int)
    counts[:3, 2:] = 7
    np.testing.assert_allclose(epochs_of(counts, sampling="thin"), counts / 7)


def test_a_store_of_one_group_can_be_reported(manifest, tmp_path):
    counts = np.zeros((5, 4), dtype=int)
    counts[0, 3] = 1
    one = {**manifest, "entries": 1, "counts": {"before": counts, "after": counts}}
    assert b"1 pairs of 1" in files_of(one, tmp_path / "report")["report.html"]
