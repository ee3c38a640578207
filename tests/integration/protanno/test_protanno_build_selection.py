"""What goes into a store: eligible, one of each sequence, not excluded, thinned by the rule."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from protanno_builds import use_small_sizes

from protclip_td.data.entry import Entry
from protclip_td.data.reading.read_options import ReadOptions
from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno import staged_lines
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.describing import describe
from protclip_td.protanno.exclusion import Excluded
from protclip_td.protanno.phases import build
from protclip_td.protanno.selecting import select

EVERYTHING = BuildOptions(confidences=CONFIDENCES, coverages=COVERAGES)
FULL = ("Insulin", "Lowers glucose.", "Secreted.", "Belongs to the insulin family.")


@pytest.fixture
def nothing(tmp_path):
    """No sequence is excluded."""
    return Excluded(tmp_path)


def entry(accession="P1", sequence="MK", properties=FULL, confidence=1, reviewed=False):
    return Entry(accession, sequence, properties, confidence, reviewed)


def kept(entries, options, excluded):
    """Accessions that are kept, which must not depend on the order."""
    forward, backward = (select(e, options, excluded) for e in (entries, entries[::-1]))
    assert (forward.kept, forward.dropped) == (backward.kept, backward.dropped)
    assert len(entries) == len(forward.kept) + forward.dropped.total() + forward.leaked.total()
    return [e.accession for e in forward.kept]


def test_the_papers_levels_are_kept(nothing):
    entries = [
        entry(f"{confidence}{coverage}", f"M{'K' * confidence}{'A' * coverage}",
              ("x",) * coverage + ("",) * (4 - coverage), confidence)
        for confidence in CONFIDENCES for coverage in COVERAGES
    ]  # fmt: skip
    assert set(kept(entries, BuildOptions(), nothing)) == {"13", "14", "23", "24", "33", "34"}
    assert select(entries, BuildOptions(), nothing).dropped == {"confidence": 8, "coverage": 6}


@pytest.mark.parametrize(
    "better",
    [
        {"confidence": 1},
        {"properties": FULL, "confidence": 2},
        {"properties": ("x", "x", "", ""), "reviewed": True, "confidence": 2},
        {"properties": ("x", "x", "", ""), "accession": "A0", "confidence": 2},
    ],
    ids=["confidence", "coverage", "reviewed", "accession"],
)
def test_the_best_of_identical_sequences_is_kept(nothing, better):
    worse = entry("B1", properties=("x", "x", "", ""), confidence=2)
    best = replace(worse, **{"accession": "C1", **better})
    chosen = select([worse, best], EVERYTHING, nothing)
    assert chosen.kept == [best]
    assert chosen.dropped == {"identical sequence": 1}


def test_a_stated_confidence_wins_over_an_assumed_one(nothing):
    curated = entry("P1", confidence=3, reviewed=True)
    assumed = Entry("line 1", "MK", FULL, 1, stated=False)
    for identical in ("best", "merge"):
        assert kept([assumed, curated], replace(EVERYTHING, identical=identical), nothing) == ["P1"]


def test_mixed_inputs_keep_what_is_curated(tmp_path, sample_path, sample_entries, monkeypatch):
    use_small_sizes(monkeypatch)
    curated = next(e for e in sample_entries if (e.confidence, e.coverage) == (3, 4))
    pairs = [{"seq": s, "text": "FUNCTION: unknown."} for s in (curated.sequence, "MKMKMK")]
    path = tmp_path / "junk.jsonl"
    path.write_text("\n".join(map(json.dumps, pairs)))
    store = build([path, sample_path], tmp_path / "store", EVERYTHING)
    accessions = {e.accession for e in store.read(range(len(store)))}
    assert curated.accession in accessions
    assert "line 1" not in accessions
    assert store.manifest["confidence_assumed"] == {"before": 2, "after": 1}


def test_a_uniprot_table_needs_protein_existence_or_a_confidence(tmp_path, monkeypatch):
    use_small_sizes(monkeypatch)
    path = tmp_path / "export.tsv"
    path.write_text("Entry\tFunction [CC]\tSequence\nP1\tFUNCTION: x\tMK\n")
    with pytest.raises(InputError, match=r"export.tsv: columns are missing: Protein existence"):
        build([path], tmp_path / "store", EVERYTHING)
    assert not (tmp_path / "store").exists()  # it costs nothing to find
    options = replace(EVERYTHING, read=ReadOptions(confidence=4))
    assert build([path], tmp_path / "store", options)[0].confidence == 4


def test_an_entry_that_the_options_drop_takes_no_others_place(nothing):
    known, full = entry("A", properties=("x", "", "", "")), entry("B", confidence=3)
    assert kept([known, full], BuildOptions(), nothing) == ["B"]


def test_merging_fills_what_the_best_one_lacks(nothing):
    best = entry("A", properties=("Insulin", "", "", ""))
    others = [
        entry("B", properties=("Other", "", "Secreted.", ""), confidence=2),
        entry("C", properties=("", "Lowers.", "Cell.", ""), confidence=3),
    ]
    options = replace(EVERYTHING, identical="merge")
    (merged,) = select([*others, best], options, nothing).kept
    assert merged == replace(best, properties=("Insulin", "Lowers.", "Secreted.", ""))
    assert kept([*others, best], replace(options, coverages=(1, 2)), nothing) == []


def test_merging_takes_from_entries_that_would_not_be_kept(tmp_path, monkeypatch):
    use_small_sizes(monkeypatch)
    path = tmp_path / "export.tsv"
    path.write_text(
        "Entry\tProtein names\tFunction\tProtein existence\tSequence\n"
        "P1\tInsulin\t\tEvidence at protein level\tMK\n"
        "P2\tOther\tLowers glucose.\tPredicted\tMK\n"
    )
    options = replace(EVERYTHING, identical="merge", confidences=(1,))
    (merged,) = build([path], tmp_path / "store", options).read([0])
    assert (merged.accession, merged.properties[:2]) == ("P1", ("Insulin", "Lowers glucose."))


def test_all_of_identical_sequences_can_be_kept(nothing):
    entries = [entry("B"), entry("A"), entry("C", confidence=5)]
    options = replace(EVERYTHING, identical="keep", confidences=(1,))
    assert kept(entries, options, nothing) == ["A", "B"]


def test_the_same_entry_comes_once_even_if_all_are_kept(nothing):
    entries = [entry("A"), entry("B"), entry("A"), entry("A", confidence=2), entry("A")]
    options = replace(EVERYTHING, identical="keep")
    assert kept(entries, options, nothing) == ["A", "A", "B"]
    assert select(entries, options, nothing).dropped == {"same entry twice": 2}


@pytest.mark.parametrize("identical", ["best", "merge", "keep"])
@pytest.mark.parametrize("sampling", ["weighted", "thin"])
def test_keep_all_keeps_all_of_swiss_prot(nothing, identical, sampling):
    poor = entry("A", "MA", ("x", "", "", ""), 5, reviewed=True)
    entries = [poor, entry("B", "MA"), entry("C", "MC", ("x", "", "", ""), 5)]
    options = BuildOptions(keep_all=True, identical=identical, sampling=sampling)
    accessions = kept(entries, options, nothing)
    assert "A" in accessions
    assert "C" not in accessions


def test_thinning_keeps_each_with_its_probability(nothing):
    number = 3000
    entries = [
        entry(f"{confidence}-{coverage}-{i}", "M", ("x",) * coverage + ("",) * (4 - coverage),
              confidence)
        for confidence in (1, 2, 3) for coverage in (1, 3, 4) for i in range(number)
    ]  # fmt: skip
    options = replace(EVERYTHING, sampling="thin", identical="keep")
    counts = Counter((e.confidence, e.coverage) for e in select(entries, options, nothing).kept)
    for confidence in (1, 2, 3):
        for coverage in (1, 3, 4):
            chance = confidence**-3 * (coverage / 4) ** 0.5
            spread = (number * chance * (1 - chance)) ** 0.5
            assert abs(counts[confidence, coverage] - number * chance) <= 3 * spread


def test_thinning_depends_on_the_seed_alone(nothing):
    entries = [entry(f"P{i}", f"MK{'A' * i}", confidence=2) for i in range(200)]
    one, same, other = (
        kept(entries, replace(EVERYTHING, sampling="thin", seed=seed), nothing)
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_the_manifest_says_what_was_excluded(tmp_path, sample_path, sample_entries, monkeypatch):
    use_small_sizes(monkeypatch)
    path = tmp_path / "test.fasta"
    chosen = {e.sequence for e in sample_entries[:9]}
    path.write_text("".join(f">x\n{sequence}\n" for sequence in chosen))
    store = build([sample_path], tmp_path / "store", EVERYTHING, exclude=[path])
    gone = sum(e.sequence in chosen for e in sample_entries)
    (record,) = store.manifest["excluded"]
    assert (record["name"], record["sequences"]) == ("test.fasta", len(chosen))
    assert (record["identical"], record["similar"]) == (gone, 0)
    assert not chosen & {e.sequence for e in store.read(range(len(store)))}
    shown = describe(store.folder)
    assert f"excluded\n  test.fasta: {len(chosen)} sequences\n" in shown
    assert f"\n  {gone} x identical to a sequence in test.fasta\n" in shown
    path.write_text(">y\nMK\n")
    with pytest.raises(InputError, match="with other excluded files"):
        build([sample_path], tmp_path / "store", EVERYTHING, exclude=[path])


def test_similar_sequences_need_mmseqs(tmp_path, sample_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "test.fasta"
    path.write_text(">x\nMK\n")
    with pytest.raises(InputError, match=r"no `mmseqs` on the path; install it"):
        build(
            [sample_path],
            tmp_path / "store",
            replace(EVERYTHING, identity=0.5),
            exclude=[path],
        )


@pytest.mark.skipif(shutil.which("mmseqs") is None, reason="MMseqs2 is not installed")
def test_similar_sequences_are_left_out(tmp_path, sample_path, sample_entries):
    chosen = next(e for e in sample_entries if 150 < len(e.sequence) < 400)
    changed = "".join(
        "A" if i % 10 == 0 and letter != "A" else letter for i, letter in enumerate(chosen.sequence)
    )
    path = tmp_path / "test.fasta"
    path.write_text(f">x\n{changed}\n")
    options = replace(EVERYTHING, identity=0.8)
    manifest = build([sample_path], tmp_path / "store", options, exclude=[path]).manifest
    (record,) = manifest["excluded"]
    assert record["identical"] == 0
    assert record["similar"] >= 1
    assert "mmseqs2" in manifest["versions"]


def test_the_same_accession_with_another_sequence_is_rejected(tmp_path, monkeypatch):
    use_small_sizes(monkeypatch)
    paths = [tmp_path / "new.jsonl", tmp_path / "old.jsonl"]
    for path, sequences in zip(paths, (["MK", "MA", "MC"], ["MD", "MA"])):
        lines = [
            {"accession": f"P{i}", "seq": s, "text": "FUNCTION: x"} for i, s in enumerate(sequences)
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
    store = build(paths, tmp_path / "store", EVERYTHING)
    entries = store.read(range(len(store)))
    assert {(e.accession, e.sequence) for e in entries} == {
        ("P0", "MK"),
        ("P1", "MA"),
        ("P2", "MC"),
    }
    assert store.manifest["rejected"] == {"same accession with another sequence": 1}
    assert store.manifest["dropped"]["identical sequence"] == 1
    line = (store.folder / "rejected.tsv").read_text().splitlines()[1]
    assert line == "P0\tsame accession with another sequence\tthe first one counts\told.jsonl"
    counts = np.array(store.manifest["counts"]["before"]) - store.manifest["counts"]["after"]
    assert counts.sum() == 2


def test_an_entry_that_is_no_pair_is_not_the_first_of_its_accession(tmp_path, monkeypatch):
    use_small_sizes(monkeypatch)
    path = tmp_path / "pairs.jsonl"
    lines = [{"accession": "P1", "seq": s, "text": "FUNCTION: x"} for s in ("M*K", "MA", "MC")]
    path.write_text("\n".join(map(json.dumps, lines)))
    store = build([path], tmp_path / "store", EVERYTHING)
    assert [e.sequence for e in store.read(range(len(store)))] == ["MA"]
    assert store.manifest["rejected"] == {
        "letters that are no residues": 1,
        "same accession with another sequence": 1,
    }


@pytest.mark.parametrize("confidences", [(1,), (1, 4)])
def test_what_is_kept_decides_not_which_of_an_accession_is_the_first(
    tmp_path, monkeypatch, confidences
):
    use_small_sizes(monkeypatch)
    path = tmp_path / "export.tsv"
    rows = ("P1\tx\tPredicted\tMKA", "P1\tx\tEvidence at protein level\tMKC",
            "P2\tx\tEvidence at protein level\tMKD")  # fmt: skip
    path.write_text("\n".join(["Entry\tFunction\tProtein existence\tSequence", *rows]))
    options = replace(EVERYTHING, confidences=confidences)
    store = build([path], tmp_path / "store", options)
    assert store.manifest["rejected"] == {"same accession with another sequence": 1}
    assert "MKC" not in {e.sequence for e in store.read(range(len(store)))}


@pytest.mark.parametrize("bucket_bytes", [20_000, 20], ids=["one bucket", "many buckets"])
def test_repeated_accessions_are_rejected_in_the_input_that_has_them(
    tmp_path, monkeypatch, bucket_bytes
):
    """Also where one between them has the same pair, but is dropped for what the options say."""
    use_small_sizes(monkeypatch)
    monkeypatch.setattr(staged_lines, "BUCKET_BYTES", bucket_bytes)
    header = "Entry\tFunction\tProtein existence\tSequence"
    level, predicted = "Evidence at protein level", "Predicted"
    paths = [tmp_path / f"{name}.tsv" for name in "abcd"]
    rows = (("MKA", level), ("MKC", level), ("MKC", predicted), ("MKC", level))
    for path, (sequence, existence) in zip(paths, rows):
        path.write_text(f"{header}\nP1\tx\t{existence}\t{sequence}\n")
    store = build(paths, tmp_path / "store", replace(EVERYTHING, confidences=(1,)))
    assert [e.sequence for e in store.read(range(len(store)))] == ["MKA"]
    table = (store.folder / "rejected.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[-1] for line in table] == ["b.tsv", "d.tsv"]
