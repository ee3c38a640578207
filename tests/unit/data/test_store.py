"""The store: what goes in comes out, whole or not at all, whoever is first."""

import json
import pickle
import threading

import numpy as np
import pytest

from protclip_td.data import building
from protclip_td.data.building import build_store
from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.making import open_or_make
from protclip_td.data.store import Store
from protclip_td.errors import InputError


@pytest.fixture
def sample_store(tmp_path, sample_entries):
    return build_store(sample_entries, tmp_path / "store")


def test_entries_come_back_as_they_went_in(sample_store, sample_entries):
    assert len(sample_store) == len(sample_entries)
    assert [sample_store[row] for row in range(len(sample_store))] == sample_entries


def test_any_text_survives(tmp_path):
    entry = Entry("X", "MK", ("α-β\t\n", "", "", "x" * 100_000), 5, None)
    assert build_store([entry], tmp_path / "store")[0] == entry


def test_arrays_agree_with_entries(sample_store, sample_entries):
    np.testing.assert_array_equal(sample_store.confidence, [e.confidence for e in sample_entries])
    np.testing.assert_array_equal(sample_store.coverage, [e.coverage for e in sample_entries])
    np.testing.assert_array_equal(sample_store.length, [len(e.sequence) for e in sample_entries])


def test_rows_out_of_range(sample_store):
    for row in (-1, len(sample_store)):
        with pytest.raises(IndexError, match=r"store of 209 entries"):
            sample_store[row]


def test_a_pickled_store_holds_no_data(sample_store, sample_entries):
    pickled = pickle.dumps(sample_store)
    assert len(pickled) < 1000
    assert pickle.loads(pickled)[7] == sample_entries[7]


def test_same_entries_same_bytes(tmp_path, sample_entries):
    one, two = (build_store(sample_entries, tmp_path / name).folder for name in "ab")
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_rejections_are_kept_and_counted(tmp_path):
    rejected = [Rejection("P2", "no sequence"), Rejection("P3", "no sequence")]
    entry = Entry("P1", "MK", ("a", "", "", ""), 1)
    store = build_store([entry], tmp_path / "store", rejected, {"source": {"path": "x"}})
    assert store.manifest["rejected"] == {"no sequence": 2}
    assert store.manifest["source"] == {"path": "x"}
    lines = (store.folder / "rejected.tsv").read_text().splitlines()
    assert lines == ["where\treason\tdetail", "P2\tno sequence\t", "P3\tno sequence\t"]


def test_a_failed_build_leaves_nothing_behind(tmp_path, sample_entries):
    def breaks_off():
        yield sample_entries[0]
        raise InputError("damaged")

    with pytest.raises(InputError, match="damaged"):
        build_store(breaks_off(), tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_nothing_usable_says_why(tmp_path):
    rejected = [Rejection("P1", "no sequence"), Rejection("P2", "no property")]
    with pytest.raises(
        InputError, match=r"no usable entry.*2 rejected.*1 x no sequence.*first.*P1"
    ):
        build_store([], tmp_path / "store", rejected)


def test_a_folder_that_cannot_be_written(tmp_path, sample_entries):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write the ProtAnno store"):
        build_store(sample_entries, tmp_path / "file" / "store")


def test_a_full_disk_leaves_nothing_behind(tmp_path, sample_entries, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building.np, "save", full)
    with pytest.raises(InputError, match="No space left on device"):
        build_store(sample_entries, tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_the_store_that_is_there_first_stays(tmp_path, sample_entries):
    first = build_store(sample_entries[:3], tmp_path / "store")
    second = build_store(sample_entries, tmp_path / "store")
    assert len(first) == len(second) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_no_store(tmp_path):
    with pytest.raises(InputError, match=r"holds no ProtAnno store.*manifest\.json"):
        Store(tmp_path)


def test_a_store_of_a_newer_version(sample_store):
    path = sample_store.folder / "manifest.json"
    path.write_text(json.dumps({**sample_store.manifest, "format": 99}))
    with pytest.raises(InputError, match=r"store of format 99.*update protclip_td"):
        Store(sample_store.folder)


def test_opening_at_the_same_time_for_the_first_time(tmp_path, sample_entries):
    stores, barrier = [], threading.Barrier(4)

    def first_use():
        barrier.wait()
        stores.append(open_or_make(tmp_path))

    threads = [threading.Thread(target=first_use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(store) for store in stores] == [len(sample_entries)] * 4
    assert len(list(tmp_path.iterdir())) == 1


def test_other_sources_and_options_never_meet_an_old_store(tmp_path, sample_entries):
    pair = tmp_path / "pair.jsonl"
    pair.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n')
    sample = open_or_make(tmp_path / "stores")
    assert len(open_or_make(tmp_path / "stores", pair)) == 1
    pair.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n' * 2)
    assert len(open_or_make(tmp_path / "stores", pair)) == 2
    open_or_make(tmp_path / "stores", keep_evidence=True)
    assert len(list((tmp_path / "stores").iterdir())) == 4
    assert open_or_make(tmp_path / "stores", "sample").folder == sample.folder


def test_a_store_itself_can_be_the_path(tmp_path, sample_path):
    folder = open_or_make(tmp_path).folder
    for source in (None, "sample", sample_path):
        assert open_or_make(folder, source).folder == folder


def test_a_store_of_another_source_is_refused(tmp_path):
    folder = open_or_make(tmp_path / "stores").folder
    other = tmp_path / "other.jsonl"
    other.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n')
    with pytest.raises(InputError, match=r"made from .*uniprot_sample.*source is .*other\.jsonl"):
        open_or_make(folder, other)


def test_reading_never_writes(tmp_path):
    folder = open_or_make(tmp_path).folder
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}
    store = open_or_make(tmp_path)
    assert store[0].accession
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]} == before


def test_the_manifest_tells_the_source(tmp_path, sample_path):
    manifest = open_or_make(tmp_path, confidence=3).manifest
    assert manifest["source"]["size"] == sample_path.stat().st_size
    assert manifest["options"] == {"keep_evidence": False, "confidence": 3}
    assert np.sum(manifest["counts"]) == manifest["entries"] == 209
