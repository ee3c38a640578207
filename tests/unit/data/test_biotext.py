"""Four properties and the one text they make."""

import pytest

from protclip_td.data.biotext import compose, decompose, strip_evidence
from protclip_td.data.reading.protein_names import protein_names

FULL = ("Insulin (Ins)", "Lowers glucose.", "Secreted.", "Belongs to the insulin family.")


def test_compose_is_labelled_and_ordered():
    assert compose(FULL) == (
        "PROTEIN NAME: Insulin (Ins). FUNCTION: Lowers glucose. SUBCELLULAR LOCATION: Secreted. "
        "SIMILARITY: Belongs to the insulin family."
    )


def test_absent_properties_are_left_out():
    assert compose(("", "Lowers glucose.", "", "")) == "FUNCTION: Lowers glucose."
    assert compose(("", "", "", "")) == ""


def test_another_order_of_properties_and_fewer():
    assert compose(FULL, ("similarity", "protein_name")) == (
        "SIMILARITY: Belongs to the insulin family. PROTEIN NAME: Insulin (Ins)."
    )


@pytest.mark.parametrize("present", range(16))
def test_decompose_undoes_compose(present):
    properties = tuple(text if present >> k & 1 else "" for k, text in enumerate(FULL))
    assert decompose(compose(properties)) == properties


def test_decompose_undoes_compose_on_real_entries(sample_entries):
    for entry in sample_entries:
        assert decompose(entry.biotext) == entry.properties


def test_a_repeated_label_stays_in_its_property():
    text = "FUNCTION: Binds DNA. FUNCTION: [Isoform 2]: Does not. SIMILARITY: None known."
    assert decompose(text)[1] == "Binds DNA. FUNCTION: [Isoform 2]: Does not."


def test_a_text_without_labels_has_no_property():
    assert decompose("an insulin-like MALFUNCTION: report") == ("", "", "", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Binds DNA. {ECO:0000269|PubMed:1, ECO:0000305}.", "Binds DNA."),
        ("Cytoplasm {ECO:0000250|UniProtKB:P1}. Nucleus {ECO:1}.", "Cytoplasm. Nucleus."),
        ("Binds DNA (By similarity). In {curly} braces.", None),
        ("Binds DNA. {ECO:1} {ECO:2}. Binds RNA {ECO:3|A:1}.", "Binds DNA. Binds RNA."),
        ("An {ECO:0000269|PubMed:1", None),
        ("An {ECO:{1}} tag.", None),
        ("Membrane (Potential).", None),
    ],
)
def test_strip_evidence_takes_nothing_else(text, expected):
    assert strip_evidence(text) == (expected or text)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["RecName: Full=Beta-galactosidase;"], "Beta-galactosidase"),
        (
            ["RecName: Full=A;", "         Short=B;", "         EC=1.2.3.-;", "AltName: Full=C;"],
            "A (B) (EC 1.2.3.-) (C)",
        ),
        (["SubName: Full=A {ECO:0000313|EMBL:X.1};", "SubName: Full=B;"], "A (B)"),
        (["RecName: Full=A;", "AltName: CD_antigen=CD98;"], "A (CD antigen CD98)"),
        (["RecName: Full=A;", "AltName: Allergen=Ara h 1;"], "A (allergen Ara h 1)"),
        (["RecName: Full=A;", "Flags: Precursor; Fragment;"], "A (Fragment)"),
        (["RecName: Full=A;", "Flags: Fragments;"], "A (Fragments)"),
        (["RecName: Full=A;", "Flags: Precursor;"], "A"),
        (
            [
                "RecName: Full=A;",
                "Includes:",
                "  RecName: Full=B;",
                "           EC=1.1.1.1;",
                "Includes:",
                "  RecName: Full=C;",
                "Contains:",
                "  RecName: Full=D;",
                "  AltName: Full=E;",
                "Flags: Fragment;",
            ],
            "A [Includes: B (EC 1.1.1.1); C] [Cleaved into: D (E)] (Fragment)",
        ),
        (["Cytochrome c precursor", "(EC 1.2.3.4)."], "Cytochrome c precursor (EC 1.2.3.4)"),
        ([], ""),
    ],
)
def test_protein_names_as_in_the_column_of_that_name(lines, expected):
    assert protein_names("\n".join(lines)) == expected
