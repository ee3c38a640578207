"""Command lines that would make a benchmark another one, or fail in every run."""

import pytest

from protclip_td.benchmark import choose
from protclip_td.benchmark.checks import check_configs, check_flags
from protclip_td.benchmark.command import main
from protclip_td.benchmark.jobs import plan, present
from protclip_td.benchmark.settings import Settings
from protclip_td.errors import InputError


@pytest.mark.parametrize(
    ("names", "flag", "culprit"),
    [
        (["go_mf"], "branch", "go_mf"),
        (["all"], "target", "prot2bp"),
        (["similarity_mf"], "aspect", "similarity_mf"),
        (["stability"], "dataset", "stability"),
        (["ec"], "branch", "ec"),
        (["go_cc"], "dataset", "go_cc"),
        (["prot2bp", "human_ppi"], "dataset", "human_ppi"),
        (["shs27k"], "network", "shs27k"),
        (["text_to_protein"], "branch", "text_to_protein"),
        (["text_to_protein"], "recall_at", "text_to_protein"),
        (["zero_shot_reaction"], "labels", "zero_shot_reaction"),
        (["extras"], "template", "zero_shot_sub"),
    ],
)
def test_flags_that_define_a_benchmark(names, flag, culprit):
    with pytest.raises(InputError, match=rf"--{flag}: it is what makes {culprit}, whose row"):
        check_flags({flag: "BP"}, choose(names))


def test_flags_of_runs_that_are_there_already(tmp_path):
    """Names can be added, and repeated, with the flags that all have been run with."""
    with pytest.raises(InputError, match="--bridge_dim: no configuration has it"):
        check_flags({"bridge_dim": "24"}, choose(["bin"]))
    (tmp_path / "runs" / "prot2mf").mkdir(parents=True)
    assert [benchmark.name for benchmark in present(tmp_path)] == ["prot2mf"]
    check_flags({"bridge_dim": "24"}, [*choose(["bin"]), *present(tmp_path)])


@pytest.mark.parametrize("flag", ["split", "split_file"])
def test_flags_that_say_which_split(flag):
    with pytest.raises(InputError, match=rf"--{flag}: shs27k is run for each .* random, bfs, dfs"):
        check_flags({flag: "bfs"}, choose(["shs27k", "bin"]))


def test_a_split_where_nothing_has_any():
    with pytest.raises(InputError, match="--split: no configuration has it"):
        check_flags({"split": "bfs"}, choose(["bin"]))


def test_flags_that_are_the_users():
    check_flags({"split": "published", "batch_size": "2", "path": "x"}, choose(["all"]))
    with pytest.raises(
        InputError, match=r"(?s)2 mistakes.*--batchsize: no.*did you mean --batch_s"
    ):
        check_flags({"batchsize": "2", "output_dir": "x"}, choose(["all"]))


@pytest.mark.parametrize(
    ("flag", "instead"), [("seed", "--seeds"), ("output_dir", "-o"), ("encoder", "--encoder")]
)
def test_flags_that_the_command_fills_in(flag, instead):
    with pytest.raises(InputError, match=rf"--{flag}: the command fills it in .*give {instead} in"):
        check_flags({flag: "3"}, choose(["human_ppi", "bin"]))


def test_what_is_refused_is_not_proposed():
    with pytest.raises(InputError, match="--path") as error:
        check_flags({"dateset": "x"}, choose(["human_ppi"]))
    assert "--dataset" not in str(error.value)


def test_a_wrong_word_is_said_once_and_with_whom(tmp_path):
    benchmarks = choose(["bin", "shs27k", "go_mf", "prot2mf"])
    jobs = [job for each in benchmarks for job in plan(each, [("model", 0)], tmp_path)]
    with pytest.raises(InputError) as error:
        check_configs(jobs, Settings({"model": "random:ESM-2-8M"}, {"num_epoch": "ten"}))
    first, *mistakes = str(error.value).splitlines()
    assert first.startswith("nothing was run")
    assert len(mistakes) == 1
    assert "train.num_epoch" in mistakes[0]
    assert "'ten'" in mistakes[0]
    assert mistakes[0].endswith("(bin, go_mf, prot2mf and 1 more)")
    check_configs(jobs, Settings({"model": "random:ESM-2-8M"}, {"num_epoch": "10"}))


def test_a_wrong_control_is_told_from_a_wrong_encoder(tmp_path):
    runs = [("model", 0), ("control", 0)]
    jobs = [job for each in choose(["bin", "sub"]) for job in plan(each, runs, tmp_path)]
    for model, control, whose in (
        ("random:ESM-2-8M", "NOPE", "(bin with --control, sub with --control)"),
        ("NOPE", "random:ESM-2-8M", "(bin, sub)"),
        ("NOPE", "NOPE", "(bin, sub)"),
    ):
        with pytest.raises(InputError) as error:
            check_configs(jobs, Settings({"model": model, "control": control}, {}))
        (said,) = str(error.value).splitlines()[1:]
        assert "NOPE" in said
        assert said.endswith(whose)


def test_checkpoint_that_is_not_protclips(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "esm"}')
    words = ["bin", "--checkpoint", str(tmp_path), "-o", str(tmp_path / "results")]
    with pytest.raises(InputError, match=r"is not a ProtCLIP checkpoint's folder.*give --encoder"):
        main(words)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("flag", ["--encoder=ProteinCN", "--num_epoch=ten"])
def test_a_wrong_word_leaves_no_folder(flag, tmp_path):
    folder = tmp_path / "results"
    words = ["bin", "--encoder=ProteinCNN", flag, "-o", str(folder)]
    with pytest.raises(InputError, match=r"ProteinCN\b|num_epoch"):
        main(words)
    assert not folder.exists()
