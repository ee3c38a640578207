"""What the table of benchmarks says: what chose an epoch, means, published numbers."""

import json
import math

import pytest

from protclip_td.benchmark import BENCHMARKS
from protclip_td.benchmark.plot import headlines
from protclip_td.benchmark.published import PAPER, PUBLISHED
from protclip_td.benchmark.results import _selection, summary
from protclip_td.benchmark.table import show, write_table
from protclip_td.config import load_config


def run_folder(path, name, *flags, num_valid=3):
    path.mkdir(exist_ok=True)
    rendered = load_config(name, ["--encoder=random:ESM-2-8M", *flags]).rendered
    (path / "config.yaml").write_text(rendered)
    (path / "data_manifest.json").write_text(json.dumps({"splits": {"valid": num_valid}}))
    return str(path)


@pytest.mark.parametrize(
    ("name", "flags", "num_valid", "expected"),
    [
        ("ec", [], 3, "valid f1_max"),
        ("similarity_mf", [], 0, "no training"),
        ("prot2bp", ["--split=published", "--valid_fraction=0"], 0, "last epoch"),
        ("shs27k", ["--protocol=clean"], 3, "valid micro_f1"),
        ("shs27k", ["--protocol=published"], 3, "test micro_f1"),
    ],
)
def test_what_chose_the_epoch(name, flags, num_valid, expected, tmp_path):
    assert _selection(run_folder(tmp_path / "run", name, *flags, num_valid=num_valid)) == expected


def test_mean_and_deviation():
    assert summary([]) is None
    assert summary([{"value": 0.25}])["sd"] is None
    assert show(summary([{"value": 0.25}])) == "0.250"
    assert show(summary([{"value": 0.5}, {"value": 0.7}])) == "0.600 ± 0.141 (2)"


@pytest.mark.parametrize(
    ("values", "shown", "sd"),
    [
        ([math.nan, 0.3], "0.300 (1; 1 undefined)", None),
        ([math.nan], "undefined (1)", None),
        ([math.nan, math.nan], "undefined (2)", None),
        ([0.5, math.nan, 0.7], "0.600 ± 0.141 (2; 1 undefined)", 0.1414),
        ([math.inf, 0.3], "0.300 (1; 1 undefined)", None),
    ],
)
def test_undefined_runs_stay_out_of_the_mean_and_are_counted(values, shown, sd):
    found = summary([{"seed": i, "value": value} for i, value in enumerate(values)])
    assert show(found) == shown
    assert found["sd"] == pytest.approx(sd, abs=1e-4)
    assert [run["seed"] for run in found["runs"]] == [*range(len(values))]
    json.dumps(found, allow_nan=False)  # NaN is no JSON


def test_picture_leaves_out_what_is_undefined():
    row = {"case": "stability", "metric": "spearmanr", "model": summary([{"value": math.nan}])}
    lines = headlines({"rows": [{**row, "published": []}]})
    assert not any(any(values.values()) for values in lines.values())


def test_published_numbers_belong_to_cases_and_their_metrics():
    metrics = {case.name: b.metrics for b in BENCHMARKS for case in b.cases}
    for case, numbers in PUBLISHED.items():
        assert set(numbers) <= set(metrics[case])
    from_paper = [
        number for by in PUBLISHED.values() for found in by.values() for number in found
        if number.source == PAPER
    ]  # fmt: skip
    assert len(from_paper) == 13  # two for each annotation benchmark, one for each cross-modal
    assert all(0 < number.value < 1 for number in from_paper)


def test_remarks_stand_with_the_sources():
    row = {
        "case": "prot2bp", "metric": "mrr filtered", "model": None, "control": None,
        "selected by": None,
        "published": [number._asdict() for number in PUBLISHED["prot2bp"]["mrr filtered"]],
    }  # fmt: skip
    failed = [{"run": "bin (seed 0)", "reason": "no\nfile"}]
    table = write_table({"encoders": {"model": "x"}, "rows": [row], "failed": failed})
    assert "| prot2bp | mrr filtered |  |  | 0.224 ProtCLIP [1], 0.136 BioBridge [2] |  |" in table
    assert f"1. {PAPER}; split: published, where training holds" in table
    assert "- bin (seed 0): no file" in table


def test_picture_has_a_line_for_each_of_the_22():
    lines = headlines({"rows": []})
    assert len(lines) == 22 + 2 * 3  # three splits of each network
    assert all(not any(values.values()) for values in lines.values())
