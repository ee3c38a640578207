"""What docs/protanno.md says to type does what it says."""

import ast
import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from protclip_td import cli
from protclip_td.data.store.reading import Store

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "protanno.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)


def commands():
    """The command lines that begin with this project's program."""
    blocks = "".join(re.findall(r"^```bash\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE))
    lines = blocks.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("protclip-td")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sample_path, sample_entries):
    """A folder in which all the manual's commands have been typed, the sample for UniProt."""
    folder = tmp_path_factory.mktemp("manual")
    (folder / "uniprot_sprot.dat.gz").write_bytes(sample_path.read_bytes())
    few = b"//\n".join(gzip.decompress(sample_path.read_bytes()).split(b"//\n")[:5]) + b"//\n"
    (folder / "uniprot_trembl.dat.gz").write_bytes(gzip.compress(few))
    first = sample_entries[0]
    (folder / "test_sequences.fasta").write_text(f">{first.accession}\n{first.sequence}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands():
            assert cli.main(words[1:]) == 0, words
    return folder


def test_all_of_swiss_prot_is_in_protanno_s(folder, sample_entries):
    store = Store(folder / "protanno-s")
    kept = {entry.accession for entry in store.read(range(len(store))) if entry.reviewed}
    assert kept == {entry.accession for entry in sample_entries if entry.reviewed}


def test_built_stores_are_what_the_manual_says(folder):
    swiss_prot, all_of_it = (Store(folder / name) for name in ("protanno-s", "protanno-d"))
    assert len(swiss_prot) > len(all_of_it) > 150
    assert all_of_it.manifest["options"]["release"] == "2024_01"
    assert all_of_it.manifest["excluded"][0]["identical"] > 0
    files = {path.name for path in (folder / "protanno-d").iterdir()}
    assert files >= {"manifest.json", "rejected.tsv", "report.html", all_of_it.manifest["pairs"]}
    assert json.loads((folder / "protanno-d" / "manifest.json").read_text())["inputs"]


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: code.split()[1])
def test_tools_open_a_store(folder, monkeypatch, capsys, code):
    pytest.importorskip(code.split()[1].split(".")[0])
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(folder / "cache"))
    *lines, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(lines, []), "docs/protanno.md", "exec"), names)
    # What the last line gives, or prints, are pairs of the store.
    found = eval(compile(ast.Expression(last.value), "docs/protanno.md", "eval"), names)
    assert capsys.readouterr().out if found is None else len(found) > 0


def test_duckdb_finds_confidence_and_coverage(folder, monkeypatch, capsys):
    pytest.importorskip("duckdb")
    monkeypatch.chdir(folder)
    exec(PYTHON[0], {})
    store = Store("protanno-d")
    shown = capsys.readouterr().out
    for group in store.groups:
        if group.confidence <= 2:
            assert f"│ {group.confidence:10} │ {group.coverage:8} │ {group.size:5} │" in shown
