"""A build gives the same bytes however it is run, and keeps account of every entry."""

import io
import itertools
import json
import multiprocessing
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import polars
import pytest
from protanno_builds import contents, in_child, kill_at_rename, use_small_sizes

from protclip_td.data.pairs import Store
from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno import reading, rows, staging, workers
from protclip_td.protanno.building import build
from protclip_td.protanno.options import BuildOptions
from protclip_td.protanno.verifying import find_damage

ALL = BuildOptions(confidences=CONFIDENCES, coverages=COVERAGES, identical="keep")


@pytest.fixture
def small(monkeypatch):
    use_small_sizes(monkeypatch)


@pytest.fixture
def inputs(tmp_path, sample_path):
    """The sample, and pairs in another format."""
    lines = tmp_path / "more.jsonl"
    pairs = [{"seq": "MK" + "A" * n, "text": f"FUNCTION: Thing {n}."} for n in range(40)]
    lines.write_text("\n".join(map(json.dumps, [*pairs, {"seq": "M1", "text": "FUNCTION: x"}])))
    return [sample_path, lines]


@pytest.fixture
def undisturbed(tmp_path, inputs, small):
    """What a build in one process makes of the inputs."""
    return contents(build(inputs, tmp_path / "undisturbed", ALL).folder)


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
    monkeypatch.setattr(reading, "CHUNK_BYTES", 50_000)
    monkeypatch.setattr(rows, "BUCKET_BYTES", 10_000)
    cut = build([sample_path], tmp_path / "cut", ALL, report=False)
    assert contents(cut.folder) == contents(plain.folder)


def test_more_processes_change_no_byte(tmp_path, inputs, undisturbed):
    store = build(inputs, tmp_path / "store", ALL, jobs=2)
    assert contents(store.folder) == undisturbed


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_moment_it_goes_on(tmp_path, inputs, undisturbed, after):
    """Every rename is a moment at which something is there that was not there before."""
    folder, kills = tmp_path / "store", 0
    for number in itertools.count(1, 3):

        def killed(number=number):
            with pytest.MonkeyPatch.context() as monkeypatch:
                kill_at_rename(monkeypatch, number, after)
                build(inputs, folder, ALL)

        status = in_child(killed)
        assert status in (0, -9)
        if status == 0:
            break
        kills += 1
    assert kills > 6
    assert contents(folder) == undisturbed
    assert find_damage(folder) == []


@pytest.mark.parametrize("number", [1, 12, 90])
def test_killed_once_nothing_done_is_done_again(tmp_path, inputs, undisturbed, number, monkeypatch):
    folder = tmp_path / "store"

    def killed():
        kill_at_rename(monkeypatch, number, after=True)
        build(inputs, folder, ALL)

    assert in_child(killed) == -9
    chunks = {path: path.stat().st_mtime_ns for path in (folder / ".building").rglob("*.frames")}
    staged = []
    stage = reading.stage_chunk
    monkeypatch.setattr(reading, "stage_chunk", lambda *a: staged.append(a[3]) or stage(*a))
    build(inputs, folder, ALL)
    assert not set(staged) & set(chunks)
    assert contents(folder) == undisturbed


def test_killed_with_its_workers_at_work(tmp_path, inputs, undisturbed, monkeypatch):
    folder, pids = tmp_path / "store", tmp_path / "pids"
    monkeypatch.setenv("PROTANNO_TEST_PIDS", str(pids))

    def killed():
        monkeypatch.setattr(reading, "stage_chunk", kill_parent)
        build(inputs, folder, ALL, jobs=2)

    assert in_child(killed) == -9
    assert contents(build(inputs, folder, ALL, jobs=2).folder) == undisturbed
    seen = set(map(int, pids.read_text().split()))
    assert len(seen) == 2
    deadline = time.monotonic() + 30
    while any(map(is_running, seen)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, seen))


def is_running(pid):
    """Whether a process works on; one that has ended may wait for whoever inherited it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


_STAGE = reading.stage_chunk


def kill_parent(*arguments):
    """Do some chunks; once two workers are at it, the second kills the build and goes on."""
    path = Path(os.environ["PROTANNO_TEST_PIDS"])
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(set(path.read_text().split())) == 2:
        os.kill(multiprocessing.parent_process().pid, 9)
        time.sleep(60)
    time.sleep(0.2)
    return _STAGE(*arguments)


def test_a_lost_worker_is_replaced(tmp_path, inputs, undisturbed, monkeypatch):
    monkeypatch.setattr(reading, "stage_chunk", die_once)
    monkeypatch.setenv("PROTANNO_TEST_MARK", str(tmp_path / "mark"))
    assert contents(build(inputs, tmp_path / "store", ALL, jobs=2).folder) == undisturbed
    assert (tmp_path / "mark").exists()


def die_once(*arguments):
    """Kill the worker process that comes first."""
    try:
        os.close(os.open(os.environ["PROTANNO_TEST_MARK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _STAGE(*arguments)
    os.kill(os.getpid(), 9)


def die():
    """Kill any worker."""
    os.kill(os.getpid(), 9)


def test_a_task_that_kills_every_worker_is_given_up():
    message = r"lost 4 times at the same task.*call again, with fewer"
    with pytest.raises(InputError, match=message), workers.workers(2) as pool:
        list(pool.run(die, [()]))


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


def test_no_progress_where_nobody_looks(tmp_path, inputs, capsys):
    build(inputs[1:], tmp_path / "store", ALL, report=False, quiet=False)
    assert capsys.readouterr().err == ""


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


def test_a_folder_with_something_else(tmp_path, sample_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"no ProtAnno store but something else \(notes.txt\)"):
        build([sample_path], tmp_path)
    with pytest.raises(InputError, match=r"something else \(it is a file\)"):
        build([sample_path], tmp_path / "notes.txt")


def test_a_store_of_a_newer_version_is_left_alone(tmp_path, sample_path):
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match=r"format 99.*update protclip_td"):
        build([sample_path], tmp_path)


def test_two_builds_at_once(tmp_path, sample_path, monkeypatch):
    monkeypatch.setattr(staging, "_PATIENCE", 1)
    place = staging.Staging(tmp_path / "store")
    place.make()
    with staging.lock(place), pytest.raises(InputError, match="another build is at work in"):
        build([sample_path], tmp_path / "store")


def truncate(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def test_a_truncated_input_is_named_and_what_was_read_is_kept(
    tmp_path, sample_path, small, monkeypatch
):
    path, folder = tmp_path / "part.dat.gz", tmp_path / "store"
    path.write_bytes(sample_path.read_bytes())
    whole = contents(build([path], tmp_path / "whole", ALL).folder)
    truncate(path, 0.7)
    with pytest.raises(InputError, match=r"part.dat.gz: the gzip file is cut off.*--resume"):
        build([path], folder, ALL)
    kept = len(list((folder / ".building" / "chunks").iterdir()))
    assert kept > 4
    path.write_bytes(sample_path.read_bytes())
    with pytest.raises(InputError, match=r"part.dat.gz changed since.*with --resume"):
        build([path], folder, ALL)
    staged = []
    monkeypatch.setattr(reading, "stage_chunk", lambda *a: staged.append(a) or _STAGE(*a))
    assert contents(build([path], folder, ALL, resume=True).folder) == whole
    assert 0 < len(staged) <= 17 - kept


def test_all_damaged_inputs_are_named(tmp_path, sample_path, inputs, small):
    paths = [tmp_path / name for name in ("one.gz", "two.gz")]
    for path in paths:
        path.write_bytes(sample_path.read_bytes())
        truncate(path, 0.5)
    with pytest.raises(InputError, match=r"one.gz: the gzip.*two.gz: the gzip"):
        build([*paths, inputs[1]], tmp_path / "store", ALL)


def test_an_input_that_changes_while_it_is_read(tmp_path, inputs, small, monkeypatch):
    path = inputs[1]
    content = path.read_text()

    def grow(*arguments):
        path.write_text(content + "\n" * 3)
        return _STAGE(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(reading, "stage_chunk", grow)
        with pytest.raises(InputError, match=r"more.jsonl changed while it was read.*--resume"):
            build([path], tmp_path / "store", ALL)
    assert len(build([path], tmp_path / "store", ALL, resume=True)) == 40


def test_a_build_under_way_is_not_mixed_with_another(tmp_path, inputs, small, monkeypatch):
    folder = tmp_path / "store"

    def killed():
        kill_at_rename(monkeypatch, 5, after=True)
        build(inputs, folder, ALL)

    assert in_child(killed) == -9
    with pytest.raises(InputError, match=r"other options: keep_all was False and is True"):
        build(inputs, folder, replace(ALL, keep_all=True))
    with pytest.raises(InputError, match=r"unfinished build of other inputs: .*more\.jsonl"):
        build(inputs[1:], folder, ALL)


@pytest.mark.parametrize(
    ("phase", "jobs"),
    [("reading.write_frames", 2), ("sorting.write_json", 1), ("cutting.write_part", 1)],
)
def test_a_full_disk_keeps_what_is_done(tmp_path, inputs, undisturbed, monkeypatch, jobs, phase):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    folder = tmp_path / "store"
    with monkeypatch.context() as patch:
        patch.setattr(f"protclip_td.protanno.{phase}", full)
        with pytest.raises(InputError, match=r"No space left on device.*What is done is kept"):
            build(inputs, folder, ALL, jobs=jobs)
    assert not (folder / "manifest.json").exists()
    assert contents(build(inputs, folder, ALL, jobs=jobs).folder) == undisturbed


def test_nothing_left_says_why(tmp_path, sample_path):
    options = BuildOptions(confidences=(5,))
    with pytest.raises(InputError, match=r"no entry of uniprot_sample.dat.gz is left.*209 x conf"):
        build([sample_path], tmp_path / "store", options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": []}, "no input given"),
        ({"inputs": ["missing.dat"]}, "missing.dat: no such file"),
        ({"jobs": 0}, "--jobs 0 given; expected at least 1"),
        ({"options": BuildOptions(identity=0.5)}, "--identity is given, but no FASTA"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(tmp_path, sample_path, arguments, message):
    with pytest.raises(InputError, match=message):
        build(**{"inputs": [sample_path], "folder": tmp_path / "store", **arguments})
    assert not list(tmp_path.iterdir())


def test_an_input_given_twice(tmp_path, sample_path):
    with pytest.raises(InputError, match="an input is given twice"):
        build([sample_path, sample_path], tmp_path / "store")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidences": (0, 1)}, r"confidences is \[0, 1\]; expected at least one of"),
        ({"coverages": ()}, r"coverages is \[\]; expected"),
        ({"identical": "none"}, "identical is 'none'; expected one of best, merge, keep"),
        ({"sampling": "coin"}, "sampling is 'coin'; expected one of weighted, thin"),
        ({"valid_fraction": 0.6, "test_fraction": 0.4}, "leave some sequences to train on"),
        ({"identity": 1.5}, "identity is 1.5; expected above 0 and at most 1"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        BuildOptions(**options)


def test_half_a_character_is_rejected(tmp_path):
    lines = tmp_path / "half.jsonl"
    lines.write_text(
        '{"seq": "MK", "text": "FUNCTION: \\ud800"}\n{"seq": "MA", "text": "FUNCTION: y"}\n'
    )
    store = build([lines], tmp_path / "store", ALL)
    assert len(store) == 1
    assert sum(store.manifest["rejected"].values()) == 1
