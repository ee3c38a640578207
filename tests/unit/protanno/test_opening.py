"""Opening the store of a data file, made on first use, whoever is first."""

import errno
import os
import threading

import numpy as np
import pytest

from protclip_td.errors import InputError
from protclip_td.properties import PROTEIN_EXISTENCE
from protclip_td.protanno import phases
from protclip_td.protanno.opening import open_or_make


def folders_in(path):
    return [folder for folder in path.iterdir() if folder.is_dir()]


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
    assert len(folders_in(tmp_path)) == 1


def test_other_sources_and_options_never_meet_an_old_store(tmp_path, sample_entries):
    pair = tmp_path / "pair.jsonl"
    pair.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n')
    sample = open_or_make(tmp_path / "stores")
    assert len(open_or_make(tmp_path / "stores", pair)) == 1
    pair.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n' * 2)
    assert len(open_or_make(tmp_path / "stores", pair)) == 2
    open_or_make(tmp_path / "stores", keep_evidence=True)
    assert len(folders_in(tmp_path / "stores")) == 4
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


def test_a_store_made_with_other_options_is_refused(tmp_path):
    folder = open_or_make(tmp_path, confidence=2).folder
    assert open_or_make(folder).folder == open_or_make(folder, confidence=2).folder == folder
    message = (
        r"made with keep_evidence False, confidence 2, and keep_evidence True, confidence 3 is"
    )
    with pytest.raises(InputError, match=message + r" given; leave keep_evidence and confidence"):
        open_or_make(folder, keep_evidence=True, confidence=3)
    with pytest.raises(InputError, match=r"with keep_evidence False, and keep_evidence True is"):
        open_or_make(folder, keep_evidence=True, confidence=2)
    kept = open_or_make(tmp_path, keep_evidence=True).folder
    assert open_or_make(kept, keep_evidence=True).folder == open_or_make(kept).folder == kept


def test_reading_never_writes(tmp_path):
    folder = open_or_make(tmp_path).folder
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    store = open_or_make(tmp_path)
    assert store[0].accession
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


def test_the_manifest_tells_the_source(tmp_path, sample_path):
    manifest = open_or_make(tmp_path, confidence=3).manifest
    (made_from,) = manifest["inputs"]
    assert (made_from["name"], made_from["size"]) == (sample_path.name, sample_path.stat().st_size)
    assert manifest["options"]["confidence"] == 3
    assert np.sum(manifest["counts"]["after"]) == manifest["entries"] == 209


def test_everything_in_the_file_is_kept(tmp_path):
    """Also entries of all levels, with the same sequence, and without an accession."""
    pairs = tmp_path / "pairs.tsv"
    rows = [f"P{n}\tMK\tName\t{level}" for n in range(3) for level in PROTEIN_EXISTENCE.values()]
    header = "Entry\tSequence\tProtein names\tProtein existence"
    pairs.write_text("\n".join([header, *rows]) + "\n")
    assert len(open_or_make(tmp_path / "stores", pairs)) == 15


def test_a_source_that_cannot_be_read_leaves_nothing_behind(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"seq": "M-", "text": "FUNCTION: x"}\n')
    with pytest.raises(InputError, match=r"no usable entry in .*bad\.jsonl: 1 rej.*the first"):
        open_or_make(tmp_path / "stores", bad)
    assert not folders_in(tmp_path / "stores")


def test_what_was_left_out_is_counted_by_reason(tmp_path, caplog):
    lines = ['{"seq": "MK", "text": "FUNCTION: x"}', *['{"seq": "", "text": "x"}'] * 1001, "{"]
    (tmp_path / "some.jsonl").write_text("\n".join(lines))
    open_or_make(tmp_path / "stores", tmp_path / "some.jsonl")
    assert "1,002 entries of" in caplog.text
    assert "(1,001 x no sequence, 1 x not JSON)" in caplog.text
    (tmp_path / "none.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(InputError, match=r"1,002 rejected \(1,001 x no sequence, 1 x not JSON\)"):
        open_or_make(tmp_path / "stores", tmp_path / "none.jsonl")


def test_a_table_without_confidence_leaves_nothing_behind(tmp_path):
    table = tmp_path / "export.tsv"
    table.write_text("Entry\tFunction [CC]\tSequence\nP1\tFUNCTION: x\tMK\n")
    message = r"export\.tsv: columns are missing: Protein existence.*\(`confidence` or --confidence"
    with pytest.raises(InputError, match=message):
        open_or_make(tmp_path / "stores", table)
    assert not (tmp_path / "stores").exists()
    assert open_or_make(tmp_path / "stores", table, confidence=4)[0].confidence == 4


def fail(*arguments):
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_what_is_done(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(phases, "sort_buckets", fail)
        with pytest.raises(InputError, match=r"No space left on device.*What is done is kept"):
            open_or_make(tmp_path)
    monkeypatch.setattr(phases, "read_inputs", None)  # done already
    assert len(open_or_make(tmp_path)) == 209


def test_what_is_done_counts_though_the_file_was_written_anew(tmp_path, sample_path, monkeypatch):
    source = tmp_path / "uniprot.dat.gz"
    for patched in ("sort_buckets", "finish"):
        source.write_bytes(sample_path.read_bytes())
        with monkeypatch.context() as patch:
            patch.setattr(phases, patched, fail)
            with pytest.raises(InputError, match="No space left"):
                open_or_make(tmp_path / "stores", source)
    assert len(open_or_make(tmp_path / "stores", source)) == 209


def test_a_source_that_changes_while_it_is_read(tmp_path, monkeypatch):
    source = tmp_path / "pairs.jsonl"
    source.write_text('{"seq": "MK", "text": "FUNCTION: x"}\n')
    read_inputs = phases.read_inputs

    def grow(*arguments):
        source.write_text(source.read_text() * 2)
        read_inputs(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(phases, "read_inputs", grow)
        with pytest.raises(InputError, match=r"pairs\.jsonl changed while .*once it is complete$"):
            open_or_make(tmp_path / "stores", source)
    assert not folders_in(tmp_path / "stores")
    assert len(open_or_make(tmp_path / "stores", source)) == 2


def test_a_killed_first_use_is_gone_on_with(tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(phases, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            open_or_make(tmp_path)
        monkeypatch.setattr(phases, "read_inputs", None)  # done already
    assert len(open_or_make(tmp_path)) == 209


def test_a_disk_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("protclip_td.protanno.opening.fcntl.flock", refuse)
    with pytest.raises(InputError, match=r"cannot be locked: No locks available; give a path on"):
        open_or_make(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot make the ProtAnno store.*where you may write"):
        open_or_make(tmp_path / "file" / "stores")
