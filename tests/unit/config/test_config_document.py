"""YAML with lines, repeated keys and floats as everybody writes them."""

import re

import pytest

from protclip_td.config.document import dotted, read_document, read_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("1.0e-5", 1e-5),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", float("-inf")),
        ("12", 12),
        ("-3", -3),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        ("true", True),
        ("null", None),
        ("ESM-2-8M", "ESM-2-8M"),
    ],
)
def test_scalars(text, value):
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


def test_lines_of_keys_and_list_items():
    document = read_document("a:\n  b: 1\n\n  c:\n    - x\n    - y\n")
    assert document.values == {"a": {"b": 1, "c": ["x", "y"]}}
    lines = {dotted(path): line for path, line in document.lines.items() if path}
    assert lines == {"a": 1, "a.b": 2, "a.c": 4, "a.c[0]": 5, "a.c[1]": 6}


def test_repeated_key_names_both_lines():
    (mistake,) = read_document("a:\n  lr: 1\n  lr: 2\n").mistakes
    assert str(mistake) == "line 3: a.lr: stands twice; the first is in line 2"
    (mistake,) = read_document("a: {lr: 1, lr: 2}\n").mistakes
    assert str(mistake) == "line 1: a.lr: stands twice; the first is in line 1"


def test_merged_anchor_may_be_overridden():
    document = read_document("a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\n")
    assert document.values["b"] == {"x": 1, "y": 3}
    assert not document.mistakes


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [1, 2\nc: 3\n", 3), ("a: 1\n\tb: 2\n", 2), ("? [x]\n: 1\n", 1)]
)
def test_syntax_error_has_its_line(text, line):
    (mistake,) = read_document(text).mistakes
    assert (mistake.where, mistake.line) == ("YAML", line)


@pytest.mark.parametrize(
    ("value", "kind"), [("2026-31-01", "timestamp"), ("0x_", "int"), ("!!bool x", "bool")]
)
def test_value_that_pyyaml_stumbles_over_has_its_line(value, kind):
    (mistake,) = read_document(f"a: 1\nb: {value}\n").mistakes
    assert re.fullmatch(
        rf"line 2: YAML: no {kind} \(.+\); if it is text, put it in quotes", str(mistake)
    )


@pytest.mark.parametrize("character", "\0\f\x7f")
def test_control_character_has_its_line(character):
    (mistake,) = read_document(f"a: 1\nb: x{character}\n").mistakes
    found = f"line 2: YAML: the character {character!r} must not stand in a file"
    assert str(mistake) == f"{found}; remove it, or save the file as UTF-8"


def test_unknown_tags_build_nothing():
    (mistake,) = read_document("a: !!python/object/apply:os.system ['true']\n").mistakes
    assert "could not determine a constructor" in mistake.message


@pytest.mark.parametrize("text", ["- a\n- b\n", "word\n"])
def test_file_without_keys(text):
    (mistake,) = read_document(text).mistakes
    assert "expected keys with values" in mistake.message


def test_empty_file_is_an_empty_document():
    assert read_document("# nothing\n") == ({}, {}, [])
