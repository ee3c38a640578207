"""Opening the store of a data file, made on first use, whoever is first."""

import threading

import numpy as np
import pytest

from protclip_td.data.making import open_or_make
from protclip_td.errors import InputError


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
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    store = open_or_make(tmp_path)
    assert store[0].accession
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


def test_the_manifest_tells_the_source(tmp_path, sample_path):
    manifest = open_or_make(tmp_path, confidence=3).manifest
    assert manifest["source"]["size"] == sample_path.stat().st_size
    assert manifest["options"] == {"keep_evidence": False, "confidence": 3}
    assert np.sum(manifest["counts"]["after"]) == manifest["entries"] == 209
