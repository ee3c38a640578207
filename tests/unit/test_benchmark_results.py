"""What the table of benchmarks says: what chose an epoch, means, published numbers."""

import json
import math
import re

import pytest

from protclip_td.benchmark import BENCHMARKS, choose, plot
from protclip_td.benchmark.jobs import ROLE_TITLES, Result, plan, read_result
from protclip_td.benchmark.plot import Point, headlines
from protclip_td.benchmark.protocol import is_comparable, protocols_in_words, protocols_of
from protclip_td.benchmark.published import PAPER, PUBLISHED
from protclip_td.benchmark.results import gather, summary
from protclip_td.benchmark.table import show, write_table
from protclip_td.config import find_config, load_config
from protclip_td.datasets import STRINGActions

# What `conftest.py` takes away from the small networks of tests.
PAIRS = STRINGActions.published


def result_of(manifest, split="test", **metrics):
    """A finished run as far as its protocol shows."""
    return Result(None, None, 1, split, metrics, manifest, {})


def finish(job, config, num_valid, manifest=None, **metrics):
    """Leave in a job's folder what a finished run does."""
    run = job.folder / "2026-01-01_00-00-00"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(config)
    manifest = {"splits": {"valid": num_valid}, **(manifest or {})}
    (run / "data_manifest.json").write_text(json.dumps(manifest))
    (run / "results.json").write_text(json.dumps({"epoch": 1, **metrics}))


@pytest.mark.parametrize(
    ("name", "manifest", "num_valid", "expected"),
    [
        ("ec", {}, 3, "valid f1_max"),
        ("similarity_mf", {}, 0, "no training"),
        ("prot2bp", {"selected_on": None}, 0, "last epoch"),
        ("shs27k", {"selected_on": "valid"}, 3, "valid micro_f1"),
        ("shs27k", {"selected_on": "test"}, 3, "test micro_f1"),
    ],
)
def test_what_chose_the_epoch(name, manifest, num_valid, expected, tmp_path):
    job = next(plan(*choose([name]), [("model", 0)], tmp_path))
    rendered = load_config(name, ["--encoder=random:ESM-2-8M"]).rendered
    # Also when the encoder's folder has gone since.
    config = rendered.replace("random:ESM-2-8M", "gone")
    finish(job, config, num_valid, manifest, **{job.benchmark.metrics[0]: 0.5})
    row, *_ = (row for row in gather([read_result(job)], {}, {})["rows"] if row["model"])
    assert row["selected by"] == expected


def test_each_cell_is_of_its_own_split_and_encoder(tmp_path):
    """Three splits of one benchmark, each with model and control and two seeds."""
    config = load_config("shs27k", ["--encoder=random:ESM-2-8M"]).rendered
    runs = [(role, seed) for role in ROLE_TITLES for seed in (0, 1)]
    jobs = list(plan(*choose(["shs27k"]), runs, tmp_path))
    for number, job in enumerate(jobs):
        finish(job, config, num_valid=3, micro_f1=number / 20)
    results = gather([read_result(job) for job in jobs], {}, {})
    cells = [row[role] for row in results["rows"] for role in ROLE_TITLES if row[role]]
    values = [run["value"] for cell in cells for run in cell["runs"]]
    assert (len(cells), values) == (6, [number / 20 for number in range(12)])
    table = write_table(results)
    for line in (
        "| shs27k-random | micro_f1 | 0.025 ± 0.035 (2) | 0.125 ± 0.035 (2) |",
        "| shs27k-bfs | micro_f1 | 0.225 ± 0.035 (2) | 0.325 ± 0.035 (2) |",
        "| shs27k-dfs | micro_f1 | 0.425 ± 0.035 (2) | 0.525 ± 0.035 (2) |",
    ):
        assert line in table


def test_each_metric_has_its_own_row(tmp_path):
    (job,) = plan(*choose(["ec"]), [("model", 0)], tmp_path)
    metrics = {"f1_max": 0.5, "auprc@micro": 0.25}
    finish(job, load_config("ec", ["--encoder=ProteinCNN"]).rendered, num_valid=3, **metrics)
    rows = gather([read_result(job)], {}, {})["rows"]
    assert {row["metric"]: row["model"]["mean"] for row in rows if row["model"]} == metrics


def test_mean_and_deviation():
    assert summary([]) is None
    assert summary([{"value": 0.25}])["sd"] is None
    assert show(summary([{"value": 0.25}])) == "0.250"
    assert show(summary([{"value": 0.5}, {"value": 0.7}])) == "0.600 ± 0.141 (2)"
    assert show(summary([{"value": value} for value in (0.5, 0.5, 0.8)])) == "0.600 ± 0.173 (3)"


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


ANNOTATION = ("ec", "go_bp", "go_mf", "go_cc")
CROSS_MODAL = ("prot2bp", "prot2mf", "prot2cc", "prot2drug", "disease2prot")


@pytest.mark.parametrize(
    ("names", "split", "metric", "model", "said"),
    [
        (ANNOTATION, "", "auprc@micro", "ProtCLIP", r"\(paper\) (?:AUPR )?(\.\d+) and"),
        (ANNOTATION, "", "f1_max", "ProtCLIP", r"\(paper\) .*\.\d+ and (?:Fmax )?(\.\d+)"),
        *((CROSS_MODAL, "", "mrr filtered", model, rf"{model} (\.\d+)")
          for model in ("ProtCLIP", "BioBridge")),
        *((("shs27k", "shs148k", "string"), f"-{split}", "micro_f1", "GNN-PPI", rf"{split} (\S+)")
          for split in ("random", "bfs", "dfs")),
        (("zero_shot_sub",), "", "accuracy", "ProtST-ESM-1b", r"ProtST-ESM-1b (\.\d+)"),
    ],
)  # fmt: skip
def test_headers_of_configurations_say_the_same_numbers(names, split, metric, model, said):
    for name in names:
        header = find_config(name).read_text().partition("\noutput_dir")[0].replace("\n# ", " ")
        (number,) = [n for n in PUBLISHED[f"{name}{split}"][metric] if n.model == model]
        value = float(re.search(said, header)[1].rstrip(","))
        assert number.value == pytest.approx(value / 100 if value > 1 else value), name


def test_remarks_stand_with_the_sources():
    row = {
        "group": "a kind",
        "case": "prot2bp", "metric": "mrr filtered", "model": None, "control": None,
        "selected by": None, "protocols": [],
        "published": [number._asdict() for number in PUBLISHED["prot2bp"]["mrr filtered"]],
    }  # fmt: skip
    failed = [{"run": run, "reason": "no\nfile " + 300 * "f"} for run in ("bin (seed 0)", "sub")]
    table = write_table({"setups": {"model": "x"}, "rows": [row], "failed": failed})
    numbers = "0.224* ProtCLIP [1], 0.136* BioBridge [2]"
    assert f"| prot2bp | mrr filtered |  |  |  | {numbers} |  |" in table
    assert f"1. {PAPER}; split: published, where training holds" in table
    assert f"- bin (seed 0), sub: no file {300 * 'f'}\n" in table


def test_table_is_grouped_by_the_kinds_of_task():
    kinds = list(dict.fromkeys(benchmark.group for benchmark in BENCHMARKS))
    assert len(kinds) == 6  # the paper's five, and the extras
    rows = [{**row_of(b.name, b.metrics[0], 0.5), "group": b.group} for b in BENCHMARKS]
    table = write_table({"setups": {"model": "x"}, "rows": rows, "failed": []})
    headings = [line.removeprefix("## ") for line in table.splitlines() if line.startswith("##")]
    assert headings == [*map(str.capitalize, kinds), "Remarks"]
    assert table.count("| benchmark | metric |") == 6
    assert table.index("## Mutation effect prediction") < table.index("| aav |")
    assert "All seeds share one split" in table


def test_picture_has_a_line_for_each_of_the_22():
    lines = headlines({"rows": []})
    assert len(lines) == 22 + 2 * 3  # three splits of each network
    assert all(not any(values.values()) for values in lines.values())


def test_protocol_and_sizes_of_the_runs():
    results = [
        result_of({"protocol": "clean", "candidates": 28642, "triplets": 9}),
        result_of({"protocol": "published", "split": "bfs", "proteins": 1690, "pairs": 7624}),
        result_of({"url": "x"}),
        result_of({"url": "x"}, **{"number of candidates": 2991.0}),
    ]
    assert [protocols_in_words(protocols_of([each])) for each in results] == [
        "clean, 28,642 candidates",
        "published, 1,690 proteins, 7,624 pairs",
        "",
        "2,991 candidates",
    ]
    assert len(protocols_of([*results[:2], results[0]])) == 2


@pytest.mark.parametrize(
    ("case", "manifest", "is_same"),
    [
        ("ec", {"protocol": None}, True),
        ("ec", {}, True),
        ("ec", {"protocol": "identity up to 0.7"}, False),
        ("prot2mf", {"protocol": "published"}, True),
        ("prot2mf", {"protocol": "published, with validation"}, False),
        ("prot2mf", {"protocol": "clean"}, False),
        ("shs27k-bfs", {"protocol": "published", "split": "bfs", "pairs": 7624}, True),
        ("shs27k-bfs", {"protocol": "published", "split": "bfs", "pairs": 7600}, False),
        ("shs27k-bfs", {"protocol": "clean", "split": "bfs", "pairs": 7624}, False),
    ],
)
def test_what_a_published_number_can_be_compared_with(case, manifest, is_same):
    protocols = protocols_of([result_of(manifest)])
    assert [protocol["name"] for protocol in protocols] == [manifest.get("protocol")]
    numbers = [number for found in PUBLISHED[case].values() for number in found]
    assert {is_comparable(n._asdict(), {"protocols": protocols}) for n in numbers} == {is_same}


def test_another_test_set_is_named(tmp_path):
    result = result_of({}, split="cross_species_test")  # without a manifest
    assert protocols_in_words(protocols_of([result])) == "cross_species_test"
    (job,) = plan(*choose(["human_ppi"]), [("model", 0)], tmp_path)
    finish(job, "train: {num_epoch: 1}", num_valid=3, split="cross_species_test")
    assert protocols_in_words(protocols_of([read_result(job)])) == "cross_species_test"


def test_numbers_before_any_run_are_marked_where_the_protocol_matters():
    marked = {
        case: not is_comparable(number._asdict(), {"protocols": []})
        for case, found in PUBLISHED.items() for (number, *_) in found.values()
    }  # fmt: skip
    assert (marked["ec"], marked["sub"], marked["prot2bp"], marked["shs27k-bfs"]) == (
        False, True, True, True,
    )  # fmt: skip


def test_networks_of_published_numbers_are_the_data_sets():
    pairs = {name.split(".")[2]: size.pairs for name, size in PAIRS.items()}
    for case, key in (("shs27k", "SHS27k"), ("shs148k", "SHS148k"), ("string", "actions")):
        for way in ("random", "bfs", "dfs"):
            assert PUBLISHED[f"{case}-{way}"]["micro_f1"][0].pairs == pairs[key]


def row_of(case, metric, value, protocol=None):
    """A row with two seeds of encoder and control, of the same mean."""
    runs = [{"value": value - 0.1}, {"value": value + 0.1}]
    return {
        "group": "a kind", "case": case,
        "metric": metric, "model": summary(runs), "control": summary(runs),
        "selected by": None, "protocols": [{"name": protocol, "candidates": 20}],
        "published": [number._asdict() for number in PUBLISHED.get(case, {}).get(metric, ())],
    }  # fmt: skip


@pytest.mark.parametrize("protocol", ["clean", "published"])
def test_numbers_of_another_protocol_are_marked(protocol):
    row = row_of("prot2mf", "mrr filtered", 0.2, protocol)
    differs = protocol == "clean"
    table = write_table({"setups": {"model": "x"}, "rows": [row], "failed": []})
    assert f"| {protocol}, 20 candidates | 0.475{'*' * differs} ProtCLIP [1]" in table
    points = headlines({"rows": [row]})[f"prot2mf  (mrr filtered, {protocol}, 20 candidates)"]
    assert points["ProtCLIP, paper"] == [Point(0.475, is_comparable=not differs)]


@pytest.mark.parametrize(("pairs", "mark"), [(593_397, ""), (551_000, "*")])
def test_numbers_of_another_network_are_marked(pairs, mark):
    row = row_of("string-bfs", "micro_f1", 0.5)
    row["protocols"] = [{"name": "published", "proteins": 15_335, "pairs": pairs}]
    table = write_table({"setups": {"model": "x"}, "rows": [row], "failed": []})
    assert f"{pairs:,} pairs | 0.784{mark} GNN-PPI [1]" in table


def drawn(monkeypatch, tmp_path, rows):
    """The axis of the picture, and what stands above it."""
    from matplotlib.figure import Figure

    figures, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: figures.append(self) or save(self, *a, **k)
    )
    setups = {"model": "ProtCLIP (1f0a), lr=1", "control": "random:ESM-2-8M"}
    plot.draw_results({"setups": setups, "rows": rows}, tmp_path / "x.png")
    (figure,) = figures
    return figure.axes[0], figure.get_suptitle()


def test_picture_names_encoders_and_hides_no_mark(monkeypatch, tmp_path):
    rows = [row_of("bin", "accuracy", 0.5), row_of("prot2mf", "mrr filtered", 0.475, "clean")]
    axis, above = drawn(monkeypatch, tmp_path, rows)
    assert above == "this encoder: ProtCLIP (1f0a), lr=1\ncontrol: random:ESM-2-8M"
    marks = [bars.lines[0] for bars in axis.containers]
    places = {(float(mark.get_xdata()[0]), float(mark.get_ydata()[0])) for mark in marks}
    assert len(marks) == len(places) == 7  # 4 of ours, and what is published of these two
    names = dict(zip(axis.get_yticks(), (tick.get_text() for tick in axis.get_yticklabels())))
    assert {(names[round(y)].split()[0], round(x, 3)) for x, y in places} == {
        ("bin", 0.5), ("bin", 0.925), ("prot2mf", 0.475), ("prot2mf", 0.326),
    }  # fmt: skip
    widths = [bars.has_xerr for bars in axis.containers]
    assert sum(widths) == 4
    hollow = [mark for mark in marks if mark.get_markerfacecolor() == "none"]
    assert len(hollow) == 2  # both of prot2mf
    explained = [text.get_text() for text in axis.get_legend().get_texts()]
    assert explained[:2] == ["this encoder", "control"]
    assert "another protocol" in explained[-1]


def test_picture_explains_only_what_it_shows(monkeypatch, tmp_path):
    rows = [{**row_of("bin", "accuracy", 0.5), "control": None}]
    axis, _ = drawn(monkeypatch, tmp_path, rows)
    explained = [text.get_text() for text in axis.get_legend().get_texts()]
    assert explained == ["this encoder", "others, published"]


def test_each_number_has_a_source():
    sources = {n.source for by in PUBLISHED.values() for found in by.values() for n in found}
    assert all(any(char.isdigit() for char in source) for source in sources)  # a year
    (esm,) = [n for n in PUBLISHED["ec"]["f1_max"] if n.model == "ESM-2"]
    assert esm.source == "ProtGO (Hu et al., NeurIPS 2024), table 5"
    assert all(
        "the largest connected part of STRING v11"
        in PUBLISHED[f"string-{way}"]["micro_f1"][0].remark
        for way in ("random", "bfs", "dfs")
    )
