"""What stands in the way of a build is named, and what is done is kept."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from protanno_builds import ALL, contents, in_child, kill_at_rename

from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.errors import InputError
from protclip_td.protanno import build_lock, staging_inputs
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.phases import build
from protclip_td.protanno.request import Request
from protclip_td.protanno.staging import Staging

_STAGE = staging_inputs.stage_chunk


def test_a_folder_with_something_else(tmp_path, sample_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"no ProtAnno store but something else \(notes.txt\)"):
        build([sample_path], tmp_path)
    with pytest.raises(InputError, match=r"something else \(it is a file\)"):
        build([sample_path], tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('{"my": 1}', "is not the manifest of a ProtAnno store"),
        (None, r"something else \(notes.txt, pairs-0123456789ab\)"),
    ],
)
def test_replace_takes_the_place_of_a_store_alone(tmp_path, sample_path, manifest, message):
    folder = tmp_path / "mine"
    (folder / "pairs-0123456789ab").mkdir(parents=True)
    (folder / "pairs-0123456789ab" / "data").write_text("precious")
    (folder / "notes.txt").write_text("mine")
    if manifest:
        (folder / "manifest.json").write_text(manifest)
    before = contents(folder)
    with pytest.raises(InputError, match=message):
        build([sample_path], folder, replace=True)
    assert contents(folder) == before


def test_replace_removes_what_the_old_store_named_alone(tmp_path, inputs, small):
    folder = build(inputs[1:], tmp_path / "store", ALL).folder
    (folder / "pairs-mine").mkdir()
    (folder / "pairs-mine" / "data").write_text("precious")
    store = build(inputs, folder, ALL, report=False, replace=True)
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.json", "rejected.tsv", "pairs-mine"),
        store.manifest["pairs"],
    }
    assert (folder / "pairs-mine" / "data").read_text() == "precious"


def test_a_store_of_a_newer_version_is_left_alone(tmp_path, sample_path):
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match=r"format 99.*update protclip_td"):
        build([sample_path], tmp_path)


def test_two_builds_at_once(tmp_path, sample_path, monkeypatch):
    monkeypatch.setattr(build_lock, "_PATIENCE", 1)
    staging = Staging(tmp_path / "store")
    staging.make()
    with build_lock.lock(staging), pytest.raises(InputError, match="another build is at work in"):
        build([sample_path], tmp_path / "store")


def test_the_second_of_two_builds_finds_what_the_first_made(tmp_path, inputs, small):
    folder, barrier = tmp_path / "store", threading.Barrier(2)

    def one():
        barrier.wait()
        return build(inputs, folder, ALL)

    with ThreadPoolExecutor(2) as pool:
        for started in [pool.submit(one), pool.submit(one)]:
            assert len(started.result()) == 249
    assert not list(folder.glob(".*"))


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
    monkeypatch.setattr(staging_inputs, "stage_chunk", lambda *a: staged.append(a) or _STAGE(*a))
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
        patch.setattr(staging_inputs, "stage_chunk", grow)
        with pytest.raises(InputError, match=r"more.jsonl changed while it was read.*--resume"):
            build([path], tmp_path / "store", ALL)
    assert len(build([path], tmp_path / "store", ALL, resume=True)) == 40


def test_a_build_under_way_is_not_mixed_with_another(tmp_path, inputs, small, monkeypatch):
    folder = tmp_path / "store"

    def killed():
        kill_at_rename(monkeypatch, 5, after=True)
        build(inputs, folder, ALL)

    assert in_child(killed) == -9
    with pytest.raises(InputError, match=r"other options: keep_all was False and is True\. Give"):
        build(inputs, folder, replace(ALL, keep_all=True, seed=1))
    with pytest.raises(InputError, match=r"other options: identical was 'keep' and is 'merge'\."):
        build(inputs, folder, replace(ALL, identical="merge"))
    with pytest.raises(InputError, match=r"unfinished build of other inputs: .*more\.jsonl"):
        build(inputs[1:], folder, ALL)


def full(*arguments):
    """Write nothing, as to a disk with no room."""
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("phase", "jobs"),
    [("staging_inputs.write_frames", 2), ("sorting.write_record", 1), ("cutting.write_part", 1)],
)
def test_a_full_disk_keeps_what_is_done(tmp_path, inputs, undisturbed, monkeypatch, jobs, phase):
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


def test_nothing_left_counts_what_was_excluded(tmp_path, sample_path, sample_entries):
    test = tmp_path / "test.fasta"
    test.write_text("".join(f">x\n{entry.sequence}\n" for entry in sample_entries))
    message = r"\(2 x confidence, 12 x coverage, 195 x identical to a sequence in test\.fasta\); "
    message += "keep other confidences or coverages, exclude less, or give other inputs"
    with pytest.raises(InputError, match=message):
        build([sample_path], tmp_path / "store", exclude=[test])


def test_replace_takes_no_offence_at_what_an_earlier_build_left(tmp_path, inputs, small):
    (tmp_path / "store" / ".built" / "result").mkdir(parents=True)
    assert len(build(inputs, tmp_path / "store", ALL, replace=True)) == 249
    assert not list((tmp_path / "store").glob(".*"))


def test_many_inputs_are_compared_at_once(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.jsonl" for number in range(50)]
    for number, path in enumerate(paths):
        path.write_text(json.dumps({"seq": "MK" + "A" * number, "text": "FUNCTION: x"}))
    looked, stat = Counter(), Path.stat
    monkeypatch.setattr(Path, "stat", lambda path, **o: looked.update([path]) or stat(path, **o))
    Request(paths, [], ALL, None).check()
    assert max(looked[path] for path in paths) < 25


def test_after_nothing_was_left_the_options_may_be_others(tmp_path, inputs, undisturbed):
    folder = tmp_path / "store"
    for _ in range(2):
        with pytest.raises(InputError, match="keep other confidences or coverages"):
            build(inputs[:1], folder, BuildOptions(confidences=(5,)))
    assert contents(build(inputs, folder, ALL).folder) == undisturbed


@pytest.mark.parametrize(
    ("phase", "is_sorted"), [("sorting.write_record", False), ("cutting.write_part", True)]
)
def test_what_applies_after_reading_may_be_chosen_again(
    tmp_path, inputs, undisturbed, monkeypatch, phase, is_sorted
):
    folder, test = tmp_path / "store", tmp_path / "test.fasta"
    test.write_text(">x\nMKA\n")
    other = replace(ALL, sampling="thin", seed=3, valid_fraction=0.5, identical="best")
    with monkeypatch.context() as patch:
        patch.setattr(f"protclip_td.protanno.{phase}", full)
        with pytest.raises(InputError, match="What is done is kept"):
            build(inputs, folder, other, exclude=[test], release="2024_01")
    assert (folder / ".building" / "sorted.json").exists() == is_sorted
    assert contents(build(inputs, folder, ALL).folder) == undisturbed


def test_a_mistake_before_anything_is_read_leaves_no_plan_in_the_way(tmp_path, inputs, small):
    def fail(*arguments):
        raise InputError("wrong")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging_inputs, "stage_chunk", fail)
        with pytest.raises(InputError, match="wrong"):
            build(inputs[1:], tmp_path / "store", replace(ALL, read=ReadOptions(confidence=2)))
    assert len(build(inputs, tmp_path / "store", ALL)) == 249


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": []}, "no input given"),
        ({"inputs": ["missing.dat"]}, "missing.dat: no such file"),
        ({"jobs": 0.5}, "--jobs: 0.5 given; expected a whole number"),
        ({"jobs": 0}, "--jobs: 0 given; expected a number above 0"),
        ({"options": BuildOptions(identity=0.5)}, "--identity is given, but no FASTA"),
        ({"exclude": [__file__]}, r"test_\w+\.py: expected FASTA, which begins with '>'"),
        ({"exclude": ["none.fasta"]}, r"none.fasta: no such file"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(tmp_path, sample_path, arguments, message):
    with pytest.raises(InputError, match=message):
        build(**{"inputs": [sample_path], "folder": tmp_path / "store", **arguments})
    assert not list(tmp_path.iterdir())


def test_an_input_given_twice(tmp_path, sample_path):
    link, other = tmp_path / "link.gz", sample_path.parent / ".." / "sample" / sample_path.name
    link.symlink_to(sample_path)
    with pytest.raises(InputError, match=r"given twice: \S+; give each once"):
        build([sample_path, sample_path], tmp_path / "store")
    for path in (link, other):
        with pytest.raises(InputError, match=rf"given twice: {sample_path}, also as {path};"):
            build([sample_path, path], tmp_path / "store")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidences": (0, 1)}, r"confidences is \[0, 1\]; expected at least one of"),
        ({"coverages": ()}, r"coverages is \[\]; expected"),
        ({"identical": "none"}, "identical: 'none' given; expected one of best, merge, keep"),
        ({"sampling": "coin"}, "sampling: 'coin' given; expected one of weighted, thin"),
        ({"valid_fraction": 0.6, "test_fraction": 0.4}, "leave some sequences to train on"),
        ({"valid_fraction": float("nan")}, "leave some sequences to train on"),
        ({"identity": 1.5}, "identity is 1.5; expected above 0 and at most 1"),
        ({"seed": -1}, "seed: -1 given; expected 0 or above"),
        (
            {"confidence_exponent": float("nan")},
            "confidence_exponent is nan; expected a number from -200",
        ),
        (
            {"coverage_exponent": float("inf")},
            "coverage_exponent is inf; expected a number from -200",
        ),
        (
            {"read": ReadOptions(min_residues=-5)},
            "min_residues: -5 given; expected a number above 0",
        ),
        (
            {"read": ReadOptions(properties=("function", "protein_name"))},
            r"coverages is \[3, 4\], which no entry reaches with 2 properties \(function, "
            r"protein_name\); give --coverages up to 2",
        ),
        (
            {"sampling": "thin", "confidence_exponent": 3.0},
            r"confidence 2 and coverage 3/4 would be kept with a probability of 6.93; thinning",
        ),
        (
            {"sampling": "thin", "coverage_exponent": -0.5},
            r"confidence 1 and coverage 3/4 would be kept with a probability of 1.15; thinning",
        ),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        BuildOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"read": ReadOptions(properties=("function", "similarity", "protein_name"))},
        {"read": ReadOptions(properties=("function",)), "coverages": (1,)},
        {"read": ReadOptions(properties=("function",)), "keep_all": True},
        {"read": ReadOptions(properties=("function",)), "coverages": None},
        {"confidence_exponent": 3.0},
        {"sampling": "thin", "confidence_exponent": 0.0, "coverage_exponent": 0.0},
        {"sampling": "thin", "confidences": None, "coverages": None},
    ],
)
def test_options_that_can_be_met(options):
    assert BuildOptions(**options).chance(1, 4) == 1


def test_half_a_character_is_rejected(tmp_path):
    lines = tmp_path / "half.jsonl"
    lines.write_text(
        '{"seq": "MK", "text": "FUNCTION: \\ud800"}\n{"seq": "MA", "text": "FUNCTION: y"}\n'
    )
    store = build([lines], tmp_path / "store", ALL)
    assert len(store) == 1
    assert sum(store.manifest["rejected"].values()) == 1
