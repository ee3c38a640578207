"""Variables of a configuration, and where its lines come from."""

import math

import jinja2
import pytest

from protclip_td.config.document import read_document
from protclip_td.config.template import MISSING, find_variables, read_value, render

SOURCE = """\
# Header
lr: {{ lr | default(1e-4) }}  # learning rate
# Where to write,
# and what.
output_dir: {{ output_dir }}
{% if long %}
steps: 1000
{% endif %}
name: {{ name
  | default("x") }}
last: 1
"""


def test_variables_in_order_with_defaults_and_explanations():
    found = [tuple(variable) for variable in find_variables(SOURCE)]
    assert found == [
        ("lr", True, "0.0001", "learning rate"),
        ("output_dir", False, "", "Where to write, and what."),
        ("long", False, "", ""),
        ("name", True, "x", ""),
    ]


def test_the_explanation_may_stand_at_a_later_use():
    source = """\
{% if crop | default(true) %}
a: {{ zebra }} {{ apple }}
crop: {{ crop | default(true) }}  # whether to crop
again: {{ crop | default(true) }}  # another comment
{% endif %}
"""
    found = {variable.name: variable.explanation for variable in find_variables(source)}
    assert list(found) == ["crop", "zebra", "apple"]
    assert found == {"crop": "whether to crop", "zebra": "", "apple": ""}


def test_lines_of_the_source_behind_the_rendered_lines():
    rendered = render(SOURCE, {"output_dir": "runs", "long": False})
    by_line = dict(zip(rendered.text.splitlines(), rendered.lines))
    assert by_line["lr: 0.0001  # learning rate"] == 2
    assert by_line["output_dir: runs"] == 5
    assert by_line["name: x"] == 9
    assert by_line["last: 1"] == 11
    assert "steps" not in rendered.text


def test_a_missing_variable_in_a_list_is_needed():
    assert render("a: {{ [x, 1] }}\n", {}).missing == ["x"]


def test_missing_variables_are_gathered():
    rendered = render("a: {{ x }}\nb: {{ y | default(1) }}\nc: {{ z }}/{{ x }}\n", {})
    assert rendered.missing == ["x", "z"]
    assert rendered.text == f"a: {MISSING}\nb: 1\nc: {MISSING}/{MISSING}\n"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("16", 16),
        ("1e-5", 1e-5),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("null", None),
        ("false", False),
        ("[0, 1]", [0, 1]),
        ("[a, null]", ["a", None]),
        ("plain words", "plain words"),
        ("with: colon", "with: colon"),
        ("my #1 file", "my #1 file"),
        ("[broken", "[broken"),
        ("*star", "*star"),
        ("/a/b.pt", "/a/b.pt"),
        ("random:ESM-2-8M", "random:ESM-2-8M"),
    ],
)
def test_flag_arrives_as_if_it_stood_in_the_file(flag, value):
    text = render("a: {{ x }}  # comment\n", {"x": read_value(flag)}).text
    assert read_document(text).values == {"a": value}


def test_flag_is_a_value_in_conditions():
    text = "a: {% if x %}1{% else %}2{% endif %}\n"
    assert render(text, {"x": read_value("false")}).text == "a: 2\n"


def test_what_a_value_lacks_is_no_variable():
    with pytest.raises(jinja2.UndefinedError, match="has no attribute 'size'"):
        render("x: {{ d.size }}", {"d": {}})
