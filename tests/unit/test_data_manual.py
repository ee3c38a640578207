"""The table of files in the manual is what the data sets ask for."""

import re
from pathlib import Path

import downstream_files as files
import pytest

from protclip_td.benchmark import BENCHMARKS
from protclip_td.benchmark.data_files import list_benchmarks
from protclip_td.config import load_config
from protclip_td.config.classes import find_class
from protclip_td.data.outside.remote import PublishedFile
from protclip_td.datasets import PROBE, PrimeKG, Reaction, STRINGActions
from protclip_td.datasets.deepfri_files import ChainFiles
from protclip_td.datasets.probe import HUMAN_URL
from protclip_td.datasets.probe_files import FASTA_FILE, FASTA_URL, ZIP_URL

# What `conftest.py` takes away from the small files of tests.
KNOWN, DEEPFRIS_SIZES, PROBES_SIZES = STRINGActions.known, ChainFiles.sizes, PROBE.published
NAMES_SIZE = Reaction.label_size
MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()


def data_class(benchmark):
    """The data set of a benchmark's configuration."""
    config = load_config(benchmark.name, ["--encoder=random:ESM-2-8M"])
    return find_class(config.dataset["class"], "datasets")


#: Data sets that are one archive with a checksum, by benchmark.
CLASSES = {
    benchmark.name: cls for benchmark in BENCHMARKS if hasattr(cls := data_class(benchmark), "md5")
}


def row_of(name):
    (row,) = [line for line in MANUAL.splitlines() if re.match(rf"\|.*`{name}`[^|]* \|", line)]
    return row


@pytest.mark.parametrize("name", CLASSES)
def test_address_checksum_and_place(name, tmp_path, monkeypatch):
    cls, row = CLASSES[name], row_of(name)
    assert f"({cls.url}) | `{cls.md5}` |" in row
    (place,) = re.findall(r"\[`([^`]+)`\]", row)
    files.make(name, tmp_path, monkeypatch)
    assert (tmp_path / place).is_file()


DEEPFRIS = [b.name for b in BENCHMARKS if "nrPDB-" in b.data[0]]


@pytest.mark.parametrize("name", DEEPFRIS)
def test_files_of_deepfri(name, tmp_path, monkeypatch):
    prefix, *endings = re.findall(r"`([^`]+)`", row_of(name).split("|")[2]) + (
        [] if name == "ec" else ["annot.tsv", "test.csv"]
    )
    files.make(name, tmp_path, monkeypatch)
    for ending in endings:
        assert (tmp_path / prefix.replace("*", ending)).is_file()


def line_of(file):
    """The row of a file below the data folder."""
    (row,) = [line for line in MANUAL.splitlines() if line.startswith("|") and f"`{file}`" in line]
    return row


def test_prime_kg():
    for name, (address, file) in PrimeKG.files.items():
        checksum = f"MD5 `{file.md5}`" if file.md5 else f"SHA-256 `{file.sha256}`"
        assert f"({address}) | {file.size:,} | {checksum} |" in line_of(f"primekg/{name}")


def test_sizes_of_deepfris_files():
    assert len(DEEPFRIS_SIZES) == 4
    assert all(f"{size:,} bytes)" in MANUAL for size in DEEPFRIS_SIZES.values())


def test_size_and_address_of_the_names_of_reactions():
    assert f"[`Reaction/reaction_name.tsv`]({Reaction.label_url})" in MANUAL
    assert f"({NAMES_SIZE:,} bytes)" in MANUAL


def test_networks():
    for name, pair in STRINGActions.files.items():
        for file, address in pair:
            row = line_of(f"string_actions/{file}")
            assert row.startswith(f"| `{name.lower()}` |")
            assert (f"({address}{file})" if address else "by hand") in row
            size, _, sha256 = KNOWN.get(file, PublishedFile())
            assert f"| {size:,} |" in row if size else "| not known |" in row
            assert (f"SHA-256 `{sha256}`" in row) == bool(sha256)
    for file in STRINGActions.gnn_ppi_string:
        assert "by hand" in line_of(f"string_actions/{file}")


def test_no_benchmark_is_left_out_here():
    """The files of each are compared with the manual by one of the tests above or below."""
    graphs = [b.name for b in BENCHMARKS if b.data[0].startswith(("primekg/", "string_actions/"))]
    by_probe = [b.name for b in BENCHMARKS if b.name.startswith("similarity_")]
    names = sorted([*CLASSES, *DEEPFRIS, *graphs, *by_probe])
    assert names == sorted(benchmark.name for benchmark in BENCHMARKS)
    assert len(CLASSES) >= 12


def test_all_files_of_the_benchmarks_are_in_the_manual():
    files = {file for b in BENCHMARKS for entry in b.data for file in re.split(r"[|+]", entry)}
    listed = [file for file in files if "/nrPDB-" not in file]  # DeepFRI's are named by a pattern
    assert len(listed) > 25
    assert [file for file in listed if f"`{file}`" not in MANUAL] == []


def test_files_of_probe():
    assert HUMAN_URL in line_of("probe/human_reviewed.fasta.gz")
    assert f"({FASTA_URL})" in line_of(f"probe/{FASTA_FILE}")
    assert f"({ZIP_URL})" in MANUAL
    for aspect, size in PROBES_SIZES["500"].items():
        name = f"human_{aspect}_proteinSimilarityMatrix_for_highest_annotated_500_proteins.csv"
        assert f"| {size} | by hand" in line_of(f"probe/{name}")


def test_probes_own_sequences_are_asked_for_first(tmp_path):
    """The matrices are put there by hand as well; UniProt's sequences do instead."""
    (tmp_path / "probe").mkdir()
    assert f"probe/{FASTA_FILE}" in list_benchmarks(tmp_path)
    (tmp_path / "probe" / "human_reviewed.fasta.gz").touch()
    assert f"probe/{FASTA_FILE}" not in list_benchmarks(tmp_path)


def test_what_may_be_needed_beside_the_files(tmp_path):
    words = " ".join(list_benchmarks(tmp_path).split())
    for text in (MANUAL, words):
        assert "test_sequences.fasta" in text
    assert "the published checkpoint needs --tokenizer" in words
    cut = tmp_path / "string_actions"
    cut.mkdir()
    for file in STRINGActions.gnn_ppi_string:
        (cut / file).touch()
    assert "string there" in " ".join(list_benchmarks(tmp_path).split())


def test_files_of_two_cuts_do_not_serve_together(tmp_path):
    """GNN-PPI's sequences are not those of STRING's actions."""
    (tmp_path / "string_actions").mkdir()
    own, cut = [name for name, _ in STRINGActions.files["STRING"]], STRINGActions.gnn_ppi_string
    for file in (own[0], cut[1]):
        (tmp_path / "string_actions" / file).touch()
    words = " ".join(list_benchmarks(tmp_path).split())
    asked = " ".join(f"string_actions/{file}" for file in own)
    assert f"string missing Types of interaction, STRING {asked}" in words
