"""The benchmarks of scale run at a small scale, and synthetic entries are what they claim to be."""

import gzip
import importlib
import json
import runpy
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from protclip_td.data.reading.readers import read_pairs

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch, capsys):
    """A benchmark's module, whose fresh processes are calls: importing torch anew takes seconds."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def run_here(script, *args):
        monkeypatch.setattr(sys, "argv", [script, *args])
        runpy.run_path(script, run_name="__main__")
        return capsys.readouterr().out.splitlines()[-1]

    def load(name):
        module = importlib.import_module(name)
        if hasattr(module, "run_python"):
            monkeypatch.setattr(module, "run_python", run_here)
        return module

    return load


@pytest.fixture
def synthetic(benchmark):
    return benchmark("synthetic_entries")


def test_more_synthetic_entries_begin_with_the_same(synthetic):
    few, many = (list(synthetic.Synthetic().entries(number)) for number in (700, 2_300))
    assert many[:700] == few
    assert next(synthetic.Synthetic(seed=1).entries(1)) != few[0]


def test_synthetic_entries_have_the_papers_shares(synthetic):
    number = 20_000
    entries = list(synthetic.Synthetic().entries(number))
    for level, share in enumerate(synthetic.paper_shares().sum(1), start=1):
        found = sum(entry.confidence == level for entry in entries)
        assert abs(found - number * share) <= 3 * np.sqrt(number * share) + 1
    for level, share in enumerate(synthetic.paper_shares().sum(0), start=1):
        found = sum(entry.coverage == level for entry in entries)
        assert abs(found - number * share) <= 3 * np.sqrt(number * share) + 1
    assert len({entry.sequence for entry in entries}) == number
    assert 340 < np.mean([len(entry.sequence) for entry in entries]) < 360


def test_synthetic_texts_repeat_as_those_of_families_do(synthetic):
    entries = list(synthetic.Synthetic(coverages=[4]).entries(5_000))
    for key in (1, 2, 3):
        texts = Counter(entry.properties[key] for entry in entries if not entry.reviewed)
        assert 100 < len(texts) < 4_000
        assert texts.most_common(1)[0][1] < 500


def test_synthetic_flat_file_is_read_as_the_entries_it_was_made_of(synthetic, tmp_path):
    file = tmp_path / "synthetic.dat.gz"
    size = synthetic.write_flat_file(file, 1_500)
    assert list(read_pairs(file)) == list(synthetic.Synthetic().entries(1_500))
    assert 2_000 < size / 1_500 < 4_000
    again = tmp_path / "again.dat.gz"
    synthetic.write_flat_file(again, 1_500)
    assert again.read_bytes() == file.read_bytes()


def test_a_store_is_smaller_than_its_gzip_compressed_text(synthetic, tmp_path):
    """What the format was chosen by, on few entries; the manual has it for a million."""
    from stores import write_store

    entries = list(synthetic.Synthetic().entries(5_000))
    store = write_store(list(entries), tmp_path / "store")
    size = sum(part["bytes"] for group in store.manifest["groups"] for part in group["parts"])
    rows = ("\t".join((e.accession, e.sequence, *e.properties)) for e in entries)
    assert size <= len(gzip.compress("\n".join(rows).encode()))


def test_drawn_rows_go_through_a_group_block_by_block(benchmark):
    rows = benchmark("formats_rows")
    groups = [rows.Group(1, 4, 0, 100), rows.Group(3, 4, 100, 100_000)]
    drawn = rows.drawn_rows(groups, 50_000, block=512)
    large = drawn[drawn >= 100]
    assert len(set(large)) == len(large)  # none twice before all have come
    assert set(drawn[drawn < 100]) == set(range(100))
    assert len(set((large[:8_192] - 100) // 512)) <= 17


@pytest.mark.parametrize("kind", ["parquet 512", "parquet 128 level 3", "arrow 512", "arrow"])
def test_formats_benchmark_reports_each_format(benchmark, capsys, kind):
    benchmark("store_formats").main(["2000", "--seconds", "0.1", "--kinds", kind])
    header, row = capsys.readouterr().out.splitlines()[-2:]
    assert header.split()[:3] == ["format", "of", "gzip"]
    assert row.startswith(kind)
    assert "yes" in row  # a forked process could read on


def test_scale_benchmark_reports_every_size(benchmark, tmp_path, capsys):
    file, plot = tmp_path / "scale.json", tmp_path / "scale.png"
    small = ["--sizes", "500", "--jobs", "1", "--seconds", "0.1"]
    benchmark("protanno_scale").main([*small, "--json", str(file), "--plot", str(plot)])
    results = json.loads(file.read_text())
    assert [result["entries"] for result in results["measured"]] == [500]
    assert all(result["drawn_rows_per_second"] > 0 for result in results["measured"])
    assert results["linked"] == []  # no part is full
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "251.5 million entries" in capsys.readouterr().out


def test_linked_store_has_the_size_wanted(benchmark, tmp_path, monkeypatch, sample_entries):
    links = benchmark("scale_links")
    from stores import write_store

    from protclip_td.data.store.reading import Store

    store = write_store(sample_entries, tmp_path / "store")
    monkeypatch.setattr(links, "PART_ROWS", store.manifest["groups"][-1]["parts"][0]["rows"])
    shares = np.zeros((5, 4))
    shares[2, 3] = 1
    assert links.can_grow(tmp_path / "store")
    rows = links.grow(tmp_path / "store", tmp_path / "large", shares, 10 * links.PART_ROWS)
    assert len(Store(tmp_path / "large")) == rows == 10 * links.PART_ROWS
