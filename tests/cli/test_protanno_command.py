"""`protclip-td protanno`: what it prints, and with which status."""

import json
import shutil
import subprocess
import sys

import pytest

from protclip_td import cli
from protclip_td.data.store.reading import Store
from protclip_td.protanno import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sample_path):
    """A store of the sample, made by the command."""
    folder = tmp_path_factory.mktemp("protanno") / "store"
    code = "import sys; from protclip_td_command import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "protanno", "build"]
    done = subprocess.run(
        [*command, str(sample_path), "-o", str(folder)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"183 pairs in {folder}",
        "left out: 26 (2 x confidence, 12 x coverage, 12 x identical sequence)",
        f"{folder}/report.html compares it with the paper",
    ]
    return folder


def test_options_reach_the_manifest(tmp_path, sample_path, capsys):
    words = "--confidences 1,2 --coverages 2,3,4 --keep-all --identical merge --sampling thin "
    words += "--confidence-exponent -1 --seed 3 --valid-fraction 0.1 --test-fraction 0.2 "
    words += "--min-residues 50 --max-residues 1000 --release 2026_01 --keep-evidence --jobs 1 "
    words += "--properties function,protein_name,similarity"
    words = ["protanno", "build", str(sample_path), "-o", str(tmp_path / "s"), *words.split()]
    assert cli.main(words) == 0
    assert Store(tmp_path / "s").manifest["options"] == {
        "keep_evidence": True,
        "confidence": None,
        "properties": ["function", "protein_name", "similarity"],
        "min_residues": 50,
        "max_residues": 1000,
        "confidences": [1, 2],
        "coverages": [2, 3, 4],
        "keep_all": True,
        "identical": "merge",
        "sampling": "thin",
        "confidence_exponent": -1.0,
        "coverage_exponent": 0.5,
        "seed": 3,
        "valid_fraction": 0.1,
        "test_fraction": 0.2,
        "identity": None,
        "release": "2026_01",
    }


def test_info_is_the_manifest_for_people(folder, capsys):
    assert cli.main(["protanno", "info", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"ProtAnno store {folder}: 183 pairs\n")
    rows = [line.split() for line in shown.splitlines() if line.startswith("1 evidence")]
    assert [row[-4:] for row in rows] == [["0", "2", "35", "113"], ["0", "0", "30", "112"]]
    texts = ["uniprot_sample.dat.gz: 952,423 bytes", "12 x identical sequence", "seed: 0"]
    splits = Store(folder).manifest["splits"]
    texts += [f"pairs of each split\n  train: {sum(map(sum, splits['train']))}\n", "  test: "]
    for text in [*texts, "versions\n  protclip_td: ", "  pyarrow: "]:
        assert text in shown


def test_verify_names_what_is_damaged(folder, capsys):
    assert cli.main(["protanno", "verify", str(folder)]) == 0
    assert "every part is as the manifest says" in capsys.readouterr().out
    parts = sorted(folder.rglob("*.parquet"))
    contents = [path.read_bytes() for path in parts]
    parts[0].unlink()
    parts[1].write_bytes(contents[1][:-1])
    parts[2].write_bytes(contents[2][:100] + b"?" + contents[2][101:])
    assert cli.main(["protanno", "verify", str(folder)]) == 1
    shown = capsys.readouterr().out.splitlines()
    names = [str(path.relative_to(folder)) for path in parts]
    assert shown == [
        f"{names[0]}: missing",
        f"{names[1]}: {len(contents[1]) - 1:,} bytes instead of {len(contents[1]):,}",
        f"{names[2]}: its content has changed",
        "faults: 3; build again with --replace to mend the store",
    ]
    for path, content in zip(parts, contents):
        path.write_bytes(content)


def test_verify_misses_what_lies_beside_the_parts(folder, tmp_path, capsys):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for name in ("rejected.tsv", "report.html", "epochs.png"):
        (copy / name).unlink()
    assert cli.main(["protanno", "verify", str(copy)]) == 1
    shown = capsys.readouterr().out
    for name in ("rejected.tsv", "report.html", "epochs.png"):
        assert f"{name}: missing" in shown


@pytest.mark.parametrize(
    "change",
    [
        {"entries": 999_999},
        {"splits": {"train": [[1] * 4] * 5}},
        {"splits": {"train": [[1], [1, 2]]}},
        {"groups": []},
        {"options": []},
        {"inputs": [{}]},
        {"rows": "1"},
        {"part_rows": 0},
        {"versions": []},
        {"sha256": None},
    ],
)
@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_manifest_that_was_changed(folder, tmp_path, capsys, change, command):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "manifest.json").write_text(json.dumps({**Store(folder).manifest, **change}))
    assert cli.main(["protanno", command, str(copy)]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "manifest.json was changed: its content is not that of its checksum; put a copy" in error


def test_files_to_exclude_may_be_given_one_by_one(tmp_path, sample_path, sample_entries, capsys):
    words = ["protanno", "build", str(sample_path), "-o", str(tmp_path / "s"), "--jobs", "1"]
    for number in (0, 1):
        fasta = tmp_path / f"{number}.fasta"
        fasta.write_text(f">x\n{sample_entries[number].sequence}\n")
        words += ["--exclude", str(fasta)]
    assert cli.main(words) == 0
    excluded = Store(tmp_path / "s").manifest["excluded"]
    assert [record["name"] for record in excluded] == ["0.fasta", "1.fasta"]


@pytest.mark.parametrize("command", ["info", "verify", "build"])
def test_a_manifest_of_something_else(tmp_path, sample_path, capsys, command):
    (tmp_path / "manifest.json").write_text("[]")
    words = [str(sample_path), "-o"] if command == "build" else []
    assert cli.main(["protanno", command, *words, str(tmp_path)]) == 2
    assert "is not the manifest of a ProtAnno store" in " ".join(capsys.readouterr().err.split())


def test_what_is_rejected_is_said_and_where(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ['{"seq": "MK", "text": "FUNCTION: x"}', "{not", '{"seq": "M1", "text": "FUNCTION: x"}']
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pairs.jsonl").write_text("\n".join(lines) + "\n")
        lines[0] = lines[0].replace("MK", "MA")
    words = [
        "protanno",
        "build",
        "one/pairs.jsonl",
        "two/pairs.jsonl",
        "-o",
        "s",
        "--coverages",
        "1",
    ]
    assert cli.main(words) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[2] == "  s/rejected.tsv"
    assert lines[:2] == [
        "2 pairs in s",
        "no pair: 4 (2 x letters that are no residues, 2 x not JSON); each is in",
    ]
    rows = [line.split("\t") for line in (tmp_path / "s/rejected.tsv").read_text().splitlines()]
    assert [row[-1] for row in rows[1:]] == ["one/pairs.jsonl"] * 2 + ["two/pairs.jsonl"] * 2
    assert [made["name"] for made in Store("s").manifest["inputs"]] == [
        "one/pairs.jsonl",
        "two/pairs.jsonl",
    ]
    assert cli.main(words) == 0
    assert capsys.readouterr().out.startswith("2 pairs in s, which was there already\n")


def test_an_interrupted_build_says_that_it_can_go_on(tmp_path, sample_path, capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cli.main(["protanno", "build", str(sample_path), "-o", str(tmp_path / "s")])
    shown = capsys.readouterr().err
    assert shown == f"what is done is kept in {tmp_path}/s; the same command goes on\n"


def test_replace_mends_a_damaged_store(tmp_path, folder, sample_path, capsys):
    words = ["protanno", "build", str(sample_path), "-o", str(tmp_path / "s"), "--jobs", "1"]
    assert cli.main(words) == 0
    next((tmp_path / "s").rglob("*.parquet")).unlink()
    assert cli.main([*words, "--replace"]) == 0
    assert cli.main(["protanno", "verify", str(tmp_path / "s")]) == 0
    assert json.loads((tmp_path / "s" / "manifest.json").read_text()) == Store(folder).manifest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "missing.dat", "-o", "out"], "missing.dat: no such file"),
        (["build", __file__, "-o", "out"], "format is unknown"),
        (["build", __file__, "-o", "out", "--sampling", "weighted", "--seed", "1",
          "--valid-fraction", "2"], "leave some sequences to train on"),
        (["info", "."], "holds no ProtAnno store: there is no manifest.json"),
        (["verify", "."], "holds no ProtAnno store: there is no manifest.json"),
    ],
)  # fmt: skip
def test_mistakes_end_with_a_message_and_status_2(tmp_path, words, message, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["protanno", *words]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert error.startswith("error: ")
    assert message in error


@pytest.mark.parametrize("words", [[], ["build"], ["build", "x"], ["build", "x", "-o", "y", "--z"]])
def test_wrong_words_show_the_usage(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["protanno", *words])
    assert ended.value.code == 2
    assert "usage: protclip-td protanno" in capsys.readouterr().err


def test_help_says_that_equal_sequences_are_one_pair_of_swiss_prot_too(capsys):
    with pytest.raises(SystemExit):
        cli.main(["protanno", "build", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    assert "equal sequences still become one pair, but for --identical keep" in help_text


@pytest.mark.parametrize("text", ["1,two", "", "1 2"])
def test_lists_of_numbers(text, capsys):
    with pytest.raises(SystemExit):
        cli.main(["protanno", "build", "x", "-o", "y", "--coverages", text])
    shown = " ".join(capsys.readouterr().err.split())
    assert f"--coverages: {text!r} given; expected numbers with commas between them" in shown
