"""Which flags and seeds reach a run."""

import pytest

from protclip_td.benchmark import BENCHMARKS, choose
from protclip_td.benchmark.jobs import plan
from protclip_td.benchmark.settings import Settings
from protclip_td.config import load_config
from protclip_td.config.encoder import starts_from_scratch

RANDOM = "random:ESM-2-8M"


def job_of(name, folder):
    return next(plan(*choose([name]), [("model", 0)], folder))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (RANDOM, True),
        ("ProteinCNN", True),
        ("{class: ProteinCNN, input_dim: 21, hidden_dims: [64]}", True),
        ("{class: ProtCLIP, protein_encoder: 'random:ESM-2-8M'}", True),
        ("facebook/esm2_t6_8M_UR50D", False),
        ("{class: ProtCLIP, protein_encoder: facebook/esm2_t6_8M_UR50D}", False),
        ("{class: ProtCLIP, checkpoint: somewhere}", False),
        ("{class: ESM, path: ~/esm-model-weights, model: ESM-2-8M}", False),
    ],
)
def test_what_starts_from_scratch(word, expected):
    assert starts_from_scratch(word) is expected


def test_pretrained_encoder_of_torchdrug_is_tuned_in_small_steps(tmp_path):
    for word, given in (("{class: ESM, path: x, model: ESM-2-8M}", False), ("ProteinCNN", True)):
        flags = Settings({"model": word}, {}).job_flags(job_of("bin", tmp_path))
        assert ("--lr_ratio=1" in flags) is given


def test_files_of_the_text_encoder_are_in_the_setup(tmp_path):
    """And the tokenizer's, which decides as much; places are not."""
    (tmp_path / "vocab.txt").write_text("a")

    def flags():
        given = {"text_encoder": str(tmp_path), "path": "x", "gpus": "[0]", "lr": "1"}
        return Settings({"model": RANDOM}, given).setup().flags

    before = flags()
    assert before.keys() == {"text_encoder", "lr"}
    (tmp_path / "vocab.txt").write_text("b")
    assert flags() != before


@pytest.mark.parametrize("texts", [("null", "~"), ("1", "1.0"), ("[a, b]", "[a,b]")])
def test_a_flag_that_names_no_file_has_one_way_of_writing(texts):
    one, other = (Settings({"model": RANDOM}, {"text_encoder": t}).setup().flags for t in texts)
    assert (one == other) is (texts != ("1", "1.0"))


@pytest.mark.parametrize("role", ["model", "control"])
def test_each_run_has_its_own_split_encoder_seed_and_folder(role, tmp_path):
    encoders = {"model": RANDOM, "control": "random:ESM-2-35M"}
    settings = Settings(encoders, {})
    jobs = plan(*choose(["shs27k"]), [(role, 3), (role, 4)], tmp_path)
    configs = [load_config("shs27k", settings.job_flags(job)) for job in jobs]
    assert [(config.dataset.split, config.seed) for config in configs] == [
        (split, seed) for split in ("random", "bfs", "dfs") for seed in (3, 4)
    ]
    assert {config.task.model.protein_encoder for config in configs} == {encoders[role]}
    assert len({config.output_dir for config in configs}) == 6


def test_tuning_reaches_only_what_can_be_tuned(tmp_path):
    settings = Settings({"model": RANDOM}, {"fix_encoder": "false"})
    for benchmark in BENCHMARKS:
        flags = settings.job_flags(job_of(benchmark.name, tmp_path))
        assert ("--fix_encoder=false" in flags) is (benchmark.trained == "all")
        config = load_config(benchmark.name, flags)
        assert config.fix_encoder is (benchmark.trained != "all")
        assert (config.train.num_epoch == 0) is (benchmark.trained == "nothing")


def test_two_heads_have_two_widths(tmp_path):
    settings = Settings({"model": RANDOM}, {"hidden_dim": "16", "bridge_dim": "24"})
    widths = [
        load_config(name, settings.job_flags(job_of(name, tmp_path))).task.hidden_dim
        for name in ("shs27k", "prot2mf")
    ]
    assert widths == [16, 24]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({}, 4), ({"fix_encoder": "true"}, 32), ({"batch_size": "7"}, 7)],
)
def test_batches_of_whole_proteins(flags, expected, tmp_path):
    settings = Settings({"model": RANDOM}, flags)
    config = load_config("thermostability", settings.job_flags(job_of("thermostability", tmp_path)))
    assert config.engine.batch_size == expected
    if "batch_size" not in flags:
        other = load_config("aav", settings.job_flags(job_of("aav", tmp_path)))
        assert other.engine.batch_size == (128 if flags else 24)


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("similarity_mf", "facebook/esm2_t6_8M_UR50D", [0]),
        ("similarity_mf", RANDOM, [3, 4]),
        ("similarity_mf", "ProteinCNN", [3, 4]),
        ("zero_shot_sub", "{class: ProtCLIP, checkpoint: somewhere}", [0]),
        ("bin", "facebook/esm2_t6_8M_UR50D", [3, 4]),
        ("prot2bp", "facebook/esm2_t6_8M_UR50D", [3, 4]),  # heads on a fixed encoder
        ("shs27k", "facebook/esm2_t6_8M_UR50D", [3, 4]),
    ],
)
def test_what_nothing_is_drawn_for_runs_once(name, word, expected):
    settings = Settings({"model": word}, {})
    (benchmark,) = choose([name])
    assert settings.seeds(benchmark, "model", [3, 4]) == expected
