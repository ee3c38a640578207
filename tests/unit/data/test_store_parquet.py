"""The store of Parquet parts: what goes in comes out, in an order that is always the same."""

import gc
import json
import os
import pickle
import random
import weakref
from dataclasses import replace

import pyarrow.dataset
import pytest
from stores import write_store

from protclip_td.data.digests import text_digest
from protclip_td.data.entry import Entry
from protclip_td.data.store import layout, writing
from protclip_td.data.store import reading as store_module
from protclip_td.data.store.manifest import seal
from protclip_td.data.store.reading import Store
from protclip_td.errors import InputError


@pytest.fixture
def sample_store(tmp_path, sample_entries):
    return write_store(sample_entries, tmp_path / "store")


@pytest.fixture
def many_parts(tmp_path, sample_entries, monkeypatch):
    """A store whose larger groups have several parts of two blocks."""
    monkeypatch.setattr(writing, "BLOCK_ROWS", 8)
    monkeypatch.setattr(writing, "PART_ROWS", 16)
    return write_store(sample_entries, tmp_path / "store")


def by_accession(entries):
    return sorted(entries, key=lambda entry: entry.accession)


def test_entries_come_back_as_they_went_in(many_parts, sample_entries):
    entries = [many_parts[row] for row in range(len(many_parts))]
    assert by_accession(entries) == by_accession(sample_entries)


def test_groups_are_what_they_say_and_sorted_by_hash(many_parts):
    for group in many_parts.groups:
        entries = many_parts.read(range(group.begin, group.begin + group.size))
        assert {(e.confidence, e.coverage) for e in entries} == {group[:2]}
        digests = [text_digest(entry.sequence) for entry in entries]
        assert digests == sorted(digests)
    assert sum(group.size for group in many_parts.groups) == len(many_parts)


def test_rows_in_any_order_and_more_than_once(many_parts):
    rows = random.Random(0).choices(range(len(many_parts)), k=100)
    assert many_parts.read(rows) == [many_parts[row] for row in rows]


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.37, 0.5, 0.999, 1.0])
def test_a_split_is_a_range_of_every_group(many_parts, fraction):
    for group in many_parts.groups:
        boundary = many_parts.boundary(group, fraction)
        rows = range(group.begin, group.begin + group.size)
        below = [text_digest(many_parts[row].sequence) < fraction * 2**64 for row in rows]
        assert below == [row < boundary for row in rows]


def test_any_text_survives(tmp_path):
    entry = Entry("X", "MK" * 18_000, ("α-β\t\n", "", "", "x" * 100_000), 5, None)
    assert write_store([entry], tmp_path / "store")[0] == entry


def test_the_order_of_entries_changes_no_byte(tmp_path, sample_entries):
    one = write_store(sample_entries, tmp_path / "a").folder
    two = write_store(sample_entries[::-1], tmp_path / "b").folder
    files = [path for path in one.rglob("*") if path.is_file()]
    assert len(files) == 13
    for path in files:
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_rows_out_of_range(sample_store):
    for row in (-1, len(sample_store)):
        with pytest.raises(IndexError, match=r"store of 209 entries"):
            sample_store[row]


def test_a_pickled_store_holds_no_data(sample_store):
    entry = sample_store[7]
    pickled = pickle.dumps(sample_store)
    assert len(pickled) < 1000
    assert pickle.loads(pickled)[7] == entry


def test_a_forked_process_reads_the_same(sample_store):
    entries = [sample_store[row] for row in range(len(sample_store))]
    child = os.fork()
    if not child:
        same = [sample_store[row] for row in range(len(sample_store))] == entries
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_biotext_has_the_order_that_the_store_was_built_with(sample_store):
    entry = sample_store[len(sample_store) - 1]
    assert sample_store.biotext(entry) == entry.biotext
    options = {"options": {"properties": ["similarity", "protein_name"]}}
    path = sample_store.folder / "manifest.json"
    path.write_text(json.dumps(seal({**sample_store.manifest, **options})))
    name, _, _, similarity = entry.properties
    expected = f"SIMILARITY: {similarity} PROTEIN NAME: {name}."
    assert Store(sample_store.folder).biotext(entry) == expected


def test_few_blocks_and_files_are_kept(many_parts, monkeypatch):
    for name in ("_BLOCKS_KEPT", "_FILES_KEPT"):
        monkeypatch.setattr(store_module, name, 2)
    store = Store(many_parts.folder)
    rows = range(len(store))
    assert store.read(rows) == many_parts.read(rows)
    assert [cache.cache_info().currsize for cache in (store._block, store._file)] == [2, 2]


def test_files_are_let_go_with_those_that_are_not_kept_and_with_the_store(many_parts, monkeypatch):
    monkeypatch.setattr(store_module, "_FILES_KEPT", 1)
    store = Store(many_parts.folder)
    gc.disable()
    try:
        first, last = weakref.ref(store._file(0, 0)), weakref.ref(store._file(1, 0))
        assert (first(), last() is None) == (None, False)
        store[0]
        del store
        assert last() is None
    finally:
        gc.enable()


def test_other_tools_see_partitions(sample_store, sample_entries):
    folder = sample_store.folder / sample_store.manifest["pairs"]
    table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table()
    assert set(table.column_names) == {*layout.SCHEMA.names, "confidence", "coverage"}
    found = zip(*(table[name].to_pylist() for name in ("accession", "confidence", "coverage")))
    assert set(found) == {(e.accession, e.confidence, e.coverage) for e in sample_entries}


def test_the_manifest_counts(sample_store, sample_entries):
    manifest = sample_store.manifest
    assert manifest["counts"]["before"] == manifest["counts"]["after"]
    assert manifest["counts"]["after"][0][3] == sum(
        (e.confidence, e.coverage) == (1, 4) for e in sample_entries
    )
    residues = manifest["statistics"]["residues"]
    assert len(residues["edges"]) == len(residues["counts"]) + 1
    begin = residues["edges"].index(1023)
    assert sum(residues["counts"][begin:]) == sum(len(e.sequence) > 1022 for e in sample_entries)


def test_the_last_bin_holds_what_is_larger(tmp_path):
    entry = Entry("X", "M" * 60_000, ("x" * 2_000_000, "", "", ""), 1)
    statistics = write_store([entry], tmp_path / "store").manifest["statistics"]
    assert [statistics[key]["counts"][-1] for key in ("residues", "text")] == [1, 1]


def test_no_store(tmp_path):
    with pytest.raises(InputError, match=r"holds no ProtAnno store.*manifest\.json"):
        Store(tmp_path)


@pytest.mark.parametrize("number", [99, 0])
def test_a_store_of_another_version(sample_store, number):
    path = sample_store.folder / "manifest.json"
    path.write_text(json.dumps({**sample_store.manifest, "format": number}))
    message = f"store of format {number}, .* reads format 1; update protclip_td, or build the store"
    with pytest.raises(InputError, match=message):
        Store(sample_store.folder)


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"\xff",
        b"[]",
        b'"text"',
        b'{"my": 1}',
        b'{"format": "new"}',
        b'{"format": 1e999}',
    ],
)
def test_a_manifest_of_something_else(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest.json is not the manifest of a ProtAnno store"):
        Store(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"pairs": "../elsewhere"},
        {"sha256": None},
        {"groups": [{}]},
        {"groups": [{"confidence": 1, "coverage": 1, "parts": [{"rows": 1}]}]},
        {"groups": ["1-1"]},
        {"counts": {"before": [], "after": []}},
        {"counts": {}},
        {"counts": None},
    ],
)
def test_a_damaged_manifest(sample_store, damage):
    path = sample_store.folder / "manifest.json"
    path.write_text(json.dumps({**sample_store.manifest, **damage}))
    with pytest.raises(InputError, match=r"manifest\.json was changed: its content"):
        Store(sample_store.folder)


def test_parts_that_are_gone_or_damaged(sample_store):
    parts = sorted(sample_store.folder.rglob("*.parquet"))
    parts[0].unlink()
    parts[1].write_bytes(b"nothing of Parquet")
    store = Store(sample_store.folder)
    with pytest.raises(InputError, match=r"coverage=2/part-00000.parquet.*is gone"):
        store[0]
    with pytest.raises(InputError, match=r"coverage=3/part-00000.parquet.*is damaged"):
        store[store.groups[1].begin]


def test_a_damaged_block_names_its_part(sample_store):
    """Behind a good footer, so that the part can be opened."""
    part = min(sample_store.folder.rglob("*.parquet"))
    content = bytearray(part.read_bytes())
    footer = 8 + int.from_bytes(content[-8:-4], "little")
    content[4:-footer] = bytes(len(content) - footer - 4)
    part.write_bytes(content)
    store = Store(sample_store.folder)
    with pytest.raises(InputError, match=f"{part} of a ProtAnno store is damaged.*verify"):
        store[0]
    with pytest.raises(InputError, match=f"{part} of a ProtAnno store is damaged.*verify"):
        store.boundary(store.groups[0], 0.5)


def test_reading_never_writes(sample_store):
    files = [sample_store.folder, *sample_store.folder.rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in files}
    store = Store(sample_store.folder)
    store.read(range(len(store)))
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_equal_sequences_lie_side_by_side(tmp_path, sample_entries):
    twins = [replace(entry, accession=f"{entry.accession}-2") for entry in sample_entries]
    store = write_store([*twins, *sample_entries], tmp_path / "store")
    entries = store.read(range(len(store)))
    assert len(entries) == 418
    assert all(a.accession + "-2" == b.accession for a, b in zip(entries[::2], entries[1::2]))
