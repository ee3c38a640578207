"""What a build makes of its inputs."""

import io
import itertools
import re
import shutil
import sys
from dataclasses import replace

import duckdb
import numpy as np
import polars
import pytest
from protanno_builds import ALL, contents, in_child, kill_at_rename

from protclip_td.data.store.reading import Store
from protclip_td.errors import InputError
from protclip_td.protanno import progress, staged_lines, staging_inputs
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.phases import build
from protclip_td.protanno.verifying import find_damage


def by_accession(entries):
    return sorted(entries, key=lambda entry: entry.accession)


def test_everything_that_can_be_read_is_there(tmp_path, sample_path, sample_entries, small):
    store = build([sample_path], tmp_path / "store", ALL)
    assert by_accession(store.read(range(len(store)))) == by_accession(sample_entries)
    assert find_damage(store.folder) == []
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "manifest.json",
        store.manifest["pairs"],
        "rejected.tsv",
        "report.html",
    ]


def test_the_report_comes_with_its_pictures(tmp_path, sample_path):
    folder = build([sample_path], tmp_path / "store").folder
    page = (folder / "report.html").read_text()
    pictures = [path.name for path in folder.glob("*.png")]
    assert len(pictures) > 1
    assert all(f'src="{name}"' in page for name in pictures)


def test_sizes_of_chunks_and_buckets_change_no_byte(tmp_path, sample_path, monkeypatch):
    plain = build([sample_path], tmp_path / "plain", ALL, report=False)
    monkeypatch.setattr(staging_inputs, "CHUNK_BYTES", 50_000)
    monkeypatch.setattr(staged_lines, "BUCKET_BYTES", 10_000)
    cut = build([sample_path], tmp_path / "cut", ALL, report=False)
    assert contents(cut.folder) == contents(plain.folder)


def test_the_manifest_accounts_for_every_entry(tmp_path, inputs, small):
    manifest = build(inputs, tmp_path / "store", BuildOptions(keep_all=True)).manifest
    before, after = (np.array(manifest["counts"][key]) for key in ("before", "after"))
    assert before.sum() == 209 + 40
    assert manifest["rejected"] == {"letters that are no residues": 1}
    assert before.sum() - after.sum() == sum(manifest["dropped"].values())
    assert after.sum() == manifest["entries"] == sum(np.sum(t) for t in manifest["splits"].values())
    assert [record["name"] for record in manifest["inputs"]] == [path.name for path in inputs]
    rejected = (tmp_path / "store" / "rejected.tsv").read_text().splitlines()
    assert rejected[1].split("\t")[0::3] == ["line 41", "more.jsonl"]


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="MMseqs2 is not installed")
def test_the_manifest_says_what_counts_as_similar(tmp_path, inputs):
    test = tmp_path / "test.fasta"
    test.write_text(">x\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ\n")
    options = replace(ALL, identity=0.5)
    store = build(inputs[1:], tmp_path / "store", options, exclude=[test], report=False)
    (record,) = store.manifest["excluded"]
    assert (record["identity"], record["covered"]) == (0.5, 0.8)


def test_splits_are_where_the_store_cuts_them(tmp_path, sample_path, small):
    options = replace(ALL, valid_fraction=0.2, test_fraction=0.1)
    store = build([sample_path], tmp_path / "store", options)
    for group in store.groups:
        test, held_out = (store.boundary(group, share) - group.begin for share in (0.1, 0.1 + 0.2))
        sizes = {"test": test, "valid": held_out - test, "train": group.size - held_out}
        for name, table in store.manifest["splits"].items():
            assert table[group.confidence - 1][group.coverage - 1] == sizes[name]


class Terminal(io.StringIO):
    """What bars are shown on."""

    def isatty(self):
        return True


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_in_compressed_bytes_and_entries(tmp_path, inputs, small, monkeypatch, jobs):
    monkeypatch.setattr(sys, "stderr", Terminal())
    build(inputs, tmp_path / "store", ALL, jobs=jobs, quiet=False)
    shown = sys.stderr.getvalue()
    size = sum(path.stat().st_size for path in inputs)
    assert re.search(rf"reading: 100%.*{size / 1000:.0f}k/{size / 1000:.0f}k.*249 entries", shown)
    for phase in ("splitting", "looking for repeated accessions", "sorting", "writing"):
        assert re.search(rf"{phase}: 100%", shown)


def test_a_short_build_says_nothing_where_nobody_looks(tmp_path, inputs, capsys):
    build(inputs[1:], tmp_path / "store", ALL, report=False, quiet=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_a_long_build_says_now_and_then_how_far_it_is(tmp_path, inputs, small, capsys, quiet):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "EVERY", 0.0)
        build(inputs, tmp_path / "store", ALL, quiet=quiet)
    lines = capsys.readouterr().err.splitlines()
    if quiet:
        assert not lines
    else:
        assert [
            line for line in lines if re.match(r"reading: \d+%, [\d,]+ entries, [\d,]+/s$", line)
        ]
        assert [line for line in lines if re.match(r"writing: \d+ of \d+ steps$", line)]
    assert not any("\r" in line for line in lines)


def test_other_tools_open_it(tmp_path, sample_path, small):
    store = build([sample_path], tmp_path / "store", ALL)
    parts = str(store.folder / store.manifest["pairs"] / "*" / "*" / "*.parquet")
    query = f"select accession, confidence from read_parquet('{parts}') where coverage = 4"
    found = sorted(duckdb.sql(query).fetchall())
    entries = store.read(range(len(store)))
    assert found == sorted((e.accession, e.confidence) for e in entries if e.coverage == 4)
    frame = polars.scan_parquet(parts, hive_partitioning=True).collect()
    assert sorted(frame["sequence"]) == sorted(entry.sequence for entry in entries)


def test_a_finished_store_is_not_built_again(tmp_path, inputs, small):
    folder = build(inputs, tmp_path / "store", ALL).folder
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    build(inputs, folder, ALL)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_another_store_is_replaced_only_if_asked(tmp_path, inputs, small):
    folder = build(inputs[1:], tmp_path / "store", ALL).folder
    with pytest.raises(InputError, match=r"other inputs \(more.jsonl\); with --replace"):
        build(inputs, folder, ALL)
    with pytest.raises(InputError, match=r"other keep_all \(False, not True\); with --replace"):
        build(inputs[1:], folder, replace(ALL, keep_all=True))
    store = build(inputs, folder, ALL, replace=True)
    assert len(store) == 249
    assert [path.name for path in folder.glob("pairs-*")] == [store.manifest["pairs"]]


def test_a_reader_sees_the_old_store_until_the_new_one_is_there(tmp_path, inputs, small):
    folder = build(inputs[1:], tmp_path / "store", ALL).folder
    for number in itertools.count(1, 4):

        def killed(number=number):
            with pytest.MonkeyPatch.context() as monkeypatch:
                kill_at_rename(monkeypatch, number, after=True)
                build(inputs, folder, ALL, replace=True)

        if in_child(killed) == 0:
            break
        store = Store(folder)
        assert len(store.read(range(len(store)))) == len(store) in (40, 249)
    assert len(Store(folder)) == 249
