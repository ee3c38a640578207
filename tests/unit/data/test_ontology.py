"""The Gene Ontology and annotation files, read and misread."""

import gzip
import logging

import pytest
from gene_ontology_files import ONTOLOGY, annotated_entries, write_gaf

from protclip_td.data.gene_ontology.annotations import read_annotations
from protclip_td.data.gene_ontology.ontology import read_ontology
from protclip_td.errors import InputError

SMALL = """format-version: 1.2
data-version: releases/2022-07-01

[Term]
id: GO:0003674
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0000001
name: kind
namespace: molecular_function
alt_id: GO:0000011
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0000002
name: part
namespace: molecular_function
is_a: GO:0003674 {source="somebody"} ! molecular_function
relationship: part_of GO:0000001 ! kind
relationship: part_of GO:0000008 ! of another aspect
relationship: regulates GO:0000004 ! regulated

[Term]
id: GO:0000003
name: obsolete
namespace: molecular_function
alt_id: GO:0000013
is_obsolete: true

[Term]
id: GO:0000004
name: regulated
namespace: molecular_function
is_a: GO:0003674 ! molecular_function

[Term]
id: GO:0000008
name: process
namespace: biological_process

[Typedef]
id: part_of
name: part of
namespace: external
"""


@pytest.fixture
def ontology(tmp_path):
    (tmp_path / "small.obo").write_text(SMALL)
    return read_ontology(tmp_path / "small.obo")


@pytest.fixture
def gaf(tmp_path):
    """Writes annotations, a tuple of object, qualifier, term and evidence each."""

    def write(*annotations, end="\n", begin=""):
        lines = ["!gaf-version: 2.2"]
        for name, qualifier, term, evidence in annotations:
            lines.append(
                "\t".join(["UniProtKB", name, "", qualifier, term, "", evidence, *"123456789"])
            )
        path = tmp_path / "some.gaf"
        path.write_bytes((begin + end.join(lines) + end).encode())
        return path

    return write


def test_ancestors_go_over_is_a_and_part_of_within_the_aspect(ontology):
    assert ontology.ancestors("GO:0000002") == {"GO:0000002", "GO:0000001", "GO:0003674"}
    assert ontology.ancestors("GO:0000008") == {"GO:0000008"}
    assert ontology.version == "releases/2022-07-01"
    assert ontology.main_id == {"GO:0000011": "GO:0000001"}
    assert ontology.obsolete == {"GO:0000003", "GO:0000013"}


def test_real_terms():
    ontology = read_ontology(ONTOLOGY)
    # Haemoglobin's: oxygen carrier activity is a molecular carrier activity, a molecular function.
    assert "GO:0003674" in ontology.ancestors("GO:0005344")
    assert {ontology.aspect[term] for term in ontology.ancestors("GO:0006915")} == {"BP"}
    for term, aspect in ontology.aspect.items():
        roots = {"MF": "GO:0003674", "BP": "GO:0008150", "CC": "GO:0005575"}
        assert roots[aspect] in ontology.ancestors(term)


def test_file_that_is_cut_off(tmp_path):
    text = gzip.decompress(ONTOLOGY.read_bytes()).decode()
    half = text[: text.index("\n", len(text) // 2)]
    (tmp_path / "cut.obo").write_text(half + "\n")
    with pytest.raises(InputError, match=r"GO:\d+ stands on GO:\d+, which is not in the file"):
        read_ontology(tmp_path / "cut.obo")
    (tmp_path / "cut.obo").write_text(half)
    with pytest.raises(InputError, match=r"cut\.obo: its last line has no end, so it may be cut"):
        read_ontology(tmp_path / "cut.obo")
    (tmp_path / "cut.obo.gz").write_bytes(ONTOLOGY.read_bytes()[:-2000])
    with pytest.raises(InputError, match="the gzip file is cut off"):
        read_ontology(tmp_path / "cut.obo.gz")


def test_what_is_no_ontology(tmp_path):
    with pytest.raises(InputError, match=r"no such file; expected the Gene Ontology as an OBO"):
        read_ontology(tmp_path / "go.obo")
    (tmp_path / "go.obo").write_text(">P12345\nMKT\n")
    with pytest.raises(InputError, match="has no term of the Gene Ontology"):
        read_ontology(tmp_path / "go.obo")
    (tmp_path / "go.obo").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"go\.obo: no text in UTF-8, but text in UTF-16; convert"):
        read_ontology(tmp_path / "go.obo")
    (tmp_path / "go.obo").write_bytes(b"[Term]\nname: \xff\n")
    with pytest.raises(InputError, match="not a text file"):
        read_ontology(tmp_path / "go.obo")


def test_a_term_twice(tmp_path):
    (tmp_path / "two.obo").write_text(SMALL + SMALL)
    message = (
        r"two\.obo, line \d+: GO:0003674 comes twice, first on line 4; expected each term once"
    )
    with pytest.raises(InputError, match=message):
        read_ontology(tmp_path / "two.obo")


@pytest.mark.parametrize(
    ("above", "cycle"),
    [
        ("is_a: GO:0000002", r"GO:\d+ \((kind|part)\) > GO:\d+ \((kind|part)\) > GO:\d+ \(\w+\)\."),
        ("relationship: part_of GO:0000001", r"GO:0000001 \(kind\) > GO:0000001 \(kind\)\. Expect"),
    ],
)
def test_a_term_that_stands_on_itself(tmp_path, above, cycle):
    (tmp_path / "cycle.obo").write_text(SMALL.replace("name: kind", f"name: kind\n{above}"))
    message = rf"cycle\.obo: terms that stand on themselves, by is_a or part_of: {cycle}"
    with pytest.raises(InputError, match=message):
        read_ontology(tmp_path / "cycle.obo")


def test_annotations_that_count(ontology, gaf, caplog):
    path = gaf(
        ("A", "enables", "GO:0000002", "IDA"),
        ("A", "NOT|enables", "GO:0000004", "IDA"),
        ("A", "not|enables", "GO:0000004", "IDA"),
        ("A", "NOT | enables", "GO:0000004", "IDA"),
        ("A", "NOT enables", "GO:0000004", "IDA"),
        ("A", "NOT_enables", "GO:0000004", "IDA"),
        ("A", "contributes_to|NOT", "GO:0000004", "IDA"),
        ("A", "enables", "GO:0000008", "IDA"),
        ("B", "enables", "GO:0000011", "IEA"),
        ("C", "enables", "GO:0003674", "ND"),
        ("D", "enables", "GO:0000003", "IDA"),
    )
    with caplog.at_level(logging.WARNING):
        assert read_annotations(path, ontology, "MF") == {
            "A": {"GO:0000002"},
            "B": {"GO:0000001"},  # by its main id
        }
    assert "1 annotations with obsolete terms do not count" in caplog.text
    assert read_annotations(path, ontology, "MF", ["IEA"]) == {"A": {"GO:0000002"}}
    assert read_annotations(path, ontology, "BP") == {"A": {"GO:0000008"}}


def test_windows_line_ends_a_mark_and_gzip(ontology, gaf, tmp_path):
    path = gaf(("A", "", "GO:0000002", "IDA"), end="\r\n", begin="\ufeff")
    assert read_annotations(path, ontology, "MF") == {"A": {"GO:0000002"}}
    (tmp_path / "some.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read_annotations(tmp_path / "some.gz", ontology, "MF") == {"A": {"GO:0000002"}}


def test_term_that_is_not_in_the_ontology(ontology, gaf):
    path = gaf(("A", "", "GO:0000002", "IDA"), ("A", "", "GO:9999999", "IDA"))
    with pytest.raises(InputError, match=r"some.gaf, line 3: 'GO:9999999' is not in the ontology "
                       r"\(.*small.obo, releases/2022-07-01\)"):  # fmt: skip
        read_annotations(path, ontology, "MF")


def test_term_that_is_not_in_an_ontology_that_may_be_cut(tmp_path, gaf):
    """Between two terms, where nothing else tells."""
    path = gaf(("A", "", "GO:0000004", "IDA"))
    before = SMALL[: SMALL.index("id: GO:0000004")]
    kept = [line for line in before.splitlines(keepends=True) if "relationship" not in line]
    (tmp_path / "cut.obo").write_text("".join(kept[:-1]))
    ontology = read_ontology(tmp_path / "cut.obo")
    message = r"line 2: 'GO:0000004' is not .*cut\.obo.* may be cut: it ends in a term, and publ"
    with pytest.raises(InputError, match=message):
        read_annotations(path, ontology, "MF")


@pytest.mark.parametrize("end", [1, 8])
def test_annotations_that_are_cut(ontology, gaf, end):
    path = gaf(("A", "", "GO:0000002", "IDA"), ("B", "", "GO:0000002", "IDA"))
    path.write_bytes(path.read_bytes()[:-end])
    with pytest.raises(InputError, match=r"some\.gaf: its last line has no end, so it may be cut"):
        read_annotations(path, ontology, "MF")


def test_annotations_in_utf_16(ontology, gaf):
    path = gaf(("A", "", "GO:0000002", "IDA"))
    text = path.read_text()
    for content in (text.encode("utf-16"), gzip.compress(text.encode("utf-16"))):
        path.write_bytes(content)
        with pytest.raises(
            InputError, match=r"some\.gaf: no text in UTF-8, but text in UTF-16; co"
        ):
            read_annotations(path, ontology, "MF")


def test_fifteen_columns_are_enough(ontology, gaf):
    """As in GAF 1.0; 2.2 has seventeen."""
    path = gaf(("A", "", "GO:0000002", "IDA"))
    expected = read_annotations(path, ontology, "MF")
    lines = [line.split("\t")[:15] for line in path.read_text().splitlines()]
    path.write_text("".join("\t".join(columns) + "\n" for columns in lines))
    assert read_annotations(path, ontology, "MF") == expected


def test_lines_that_are_no_annotations(ontology, tmp_path):
    (tmp_path / "some.gaf").write_text("!gaf-version: 2.2\nUniProtKB\tP12345\tGO:0000002\n")
    with pytest.raises(InputError, match=r"line 2: 3 columns, 15 or more needed"):
        read_annotations(tmp_path / "some.gaf", ontology, "MF")
    with pytest.raises(InputError, match="no such file; expected an annotation file"):
        read_annotations(tmp_path / "other.gaf", ontology, "MF")


def test_nothing_left(ontology, gaf):
    path = gaf(("A", "", "GO:0000008", "IDA"))
    with pytest.raises(InputError, match="no annotation left in aspect 'MF'"):
        read_annotations(path, ontology, "MF")


@pytest.mark.parametrize("cell", ["", "PMID:1", "IEA "])
def test_another_column_in_place_of_the_evidence(ontology, gaf, cell):
    """What is to be left out would count."""
    path = gaf(("A", "", "GO:0000002", "IDA"), ("B", "", "GO:0000002", cell))
    with pytest.raises(
        InputError, match=r"line \d+: column 7 is .*; expected an evidence code, as"
    ):
        read_annotations(path, ontology, "MF", ["IEA"])


@pytest.mark.parametrize("codes", ["IEA", ["iea"], ["IEA", " ISS"], ["IEA,ISS"]])
def test_codes_that_would_leave_out_nothing(ontology, gaf, codes):
    path = gaf(("A", "", "GO:0000002", "IEA"))
    with pytest.raises(InputError, match=r"without_evidence: .*; expected a list of evidence code"):
        read_annotations(path, ontology, "MF", codes)


def test_real_annotations(sample_path, tmp_path):
    entries = annotated_entries(sample_path)
    path = write_gaf(entries, tmp_path / "sample.gaf")
    ontology = read_ontology(ONTOLOGY)
    read = [read_annotations(path, ontology, aspect) for aspect in ("MF", "BP", "CC")]
    for entry in entries:
        own = {ontology.main_id.get(term, term) for term, *_ in entry.terms} - ontology.obsolete
        assert frozenset().union(*(terms[entry.accession] for terms in read)) == own
