"""Messages in 80 columns."""

import pytest

from protclip_td.wording import aligned, by_reason, counted, fold


def test_short_lines_stay_as_they_are():
    text = "two  spaces \n\n  and an indent\n"
    assert fold(text) == text


def test_long_lines_are_broken_between_words():
    lines = fold(f"  first: {'word ' * 20}end\nsecond {'word ' * 20}").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line[:6] for line in lines] == ["  firs", "    wo", "second", "  word"]
    joined = " ".join(line.strip() for line in lines)
    assert joined == f"first: {'word ' * 20}end second {'word ' * 20}".strip()


@pytest.mark.parametrize(
    "whole",
    [
        "/a/rather-long/path" * 5,
        f"python -m torchdrug.run --resume /runs/{'x' * 70}",
        f"protclip-td run --resume /runs/{'x' * 70}",
        f"`key: {'x' * 90} end`,",
    ],
)
def test_what_is_to_be_copied_stays_whole(whole):
    assert fold(f"The run goes on with: {whole}") == f"The run goes on with:\n  {whole}"


def test_reasons_are_alike_in_all_their_lines():
    reasons = {"a": "missing\n  file: x", "b": "missing\n  file: y", "c": "missing\n  file: x"}
    assert by_reason(reasons) == ["a, c: missing\n  file: x", "b: missing\n  file: y"]


def test_numbers_of_reasons():
    assert counted({"b": 0, "c": 1_234_567, "a": 1}) == ["1,234,567 x c", "1 x a"]
    assert counted({}) == []


def test_a_table_is_aligned_without_blanks_behind_it():
    assert aligned([["", "1/4", "all"], ["4 predicted", "12", "1,012"], ["drawn", "5.0%", ""]]) == [
        "              1/4    all",
        "4 predicted    12  1,012",
        "drawn        5.0%",
    ]
