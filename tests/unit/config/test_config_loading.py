"""From a file and flags to a configuration, or to everything that is wrong."""

import re

import pytest
from torchdrug import core, tasks
from torchdrug.core import Registry as R

from protclip_td.config import find_config, load_config, shipped_configs
from protclip_td.errors import InputError


@R.register("tasks.PairToy")
class PairToy(tasks.Task, core.Configurable):
    """A task that compares the samples of a batch.

    Parameters:
        model (nn.Module): any model
        rate (float, optional): a rate
    """

    min_batch_size = 2

    def __init__(self, model, rate: float = 0.1):
        super().__init__()
        self.model = model


def mistakes(path, flags=()):
    with pytest.raises(InputError) as error:
        load_config(path, list(flags))
    title, *lines = str(error.value).splitlines()
    counted = int(re.search(r"has (\d+) mistakes?$", title)[1])
    assert counted == len(lines)
    return [line.strip() for line in lines]


def test_peer_configuration_as_it_is(write):
    path = write()
    config = load_config(path)
    assert config.optimizer.lr == 1e-4
    assert config.task.model.hidden_dims == [8, 8]
    assert config.dataset.transform.transforms[1]["class"] == "TruncateProtein"
    assert config.output_dir == "~/scratch/torchprotein_output/"
    assert config.rendered == path.read_text()
    assert set(config) == {
        "output_dir", "dataset", "task", "eval_metric", "optimizer", "engine", "train",
    }  # fmt: skip


def test_protst_keys(write):
    extra = "lr_ratio: 0.1\nfix_encoder: True\ncheckpoint: {{ checkpoint }}\ntest_batch_size: 4\n"
    path = write(
        ("eval_metric: spearmanr\n", f"eval_metric: spearmanr\ntest_split: cb513\n{extra}"),
        ("  path: ~/scratch/protein-datasets/\n", "  path: x\n  branch: {{ branch }}\n"),
    )
    config = load_config(path, ["--checkpoint", "a b.pt", "--branch=null"])
    assert (config.checkpoint, config.dataset.branch) == ("a b.pt", None)
    assert config.test_split == "cb513"


def test_output_dir_defaults_to_the_name_of_the_file(write):
    config = load_config(write(("output_dir: ~/scratch/torchprotein_output/\n", "")))
    assert config.output_dir == "runs/config"


def test_everything_that_is_wrong_at_once(write):
    path = write(
        ("    hidden_dims: [8, 8]", "    hiden_dims: [8, 8]"),
        ("    kernel_size: 5", "    kernel_size: five"),
        ("  lr: 1.0e-4", "  lr: {{ lr }}"),
        ("  batch_size: 2", "  batch_size: {{ batch_size | default(2) }}\n  params: 1"),
        ("        view: residue", "        view: residue\n        viw: residue"),
        ("eval_metric", "evalmetric"),
        ("num_epoch: 1", "num_epochs: {{ num_epoch }}"),
    )
    assert mistakes(path, ["--batch_sise", "16", "--lr", "fast", "extra"]) == [
        "line 11: dataset.transform.transforms[0].viw: unknown key; did you mean `view`?",
        "line 20: task.model.hiden_dims: unknown key; did you mean `hidden_dims`?",
        "line 21: task.model.kernel_size: expected a whole number, got 'five' (string)",
        "line 28: evalmetric: unknown key; did you mean `eval_metric`?",
        "line 32: optimizer.lr: expected a number, got 'fast' (string)",
        "line 38: engine.params: unknown key; expected one of batch_size, gpus, "
        "gradient_interval, log_interval, logger, num_worker",
        "line 41: train.num_epochs: unknown key; did you mean `num_epoch`?",
        "--batch_sise: unknown flag; did you mean --batch_size?",
        "extra: expected a flag, such as --batch_size 8",
        "--num_epoch: needed: the configuration has no default for it",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class: ProteinCNN", "class: ProteinCCN", "line 17: task.model.class: unknown class"),
        ("class: ProteinView", "class: (", r"transforms\[0\].class: unknown class `\(`"),
        ("class: Adam", "class: StepLR", "optimizer.class: `StepLR` is one of scheduler, expected"),
        (
            "  class: Adam\n",
            "",
            "line 29: optimizer: expected a block with a `class`, got a block of 1",
        ),
        ("  lr: 1.0e-4", "  params: []", "line 31: optimizer.params: is filled in by the run"),
        ("  lr: 1.0e-4", "  lr: 1\n  lr: 2", "line 32: optimizer.lr: stands twice; the first is"),
        ("  gpus: null", "  task: null", "line 35: engine.task: is filled in by the run"),
        ("batch_size: 2", "batch_size: 2.5", "engine.batch_size: expected a whole number, got"),
        ("num_epoch: 1", "num_epoch: many", "train.num_epoch: expected a whole number, got"),
        (
            "eval_metric: spearmanr",
            "seed: abc",
            "seed: expected a whole number, got 'abc'",
        ),
        ("eval_metric: spearmanr", "lr_ratio: []", r"lr_ratio: expected a number, got \[\] \(list"),
        ("eval_metric: spearmanr", "lr_ratio: 0", r"lr_ratio: 0 given; expected a number above 0"),
        ("eval_metric: spearmanr", "test_batch_size: 0", "test_batch_size: 0 given; expected a n"),
        ("num_epoch: 1", "num_epoch: -1", "line 39: train.num_epoch: -1 given; expected 0 or abo"),
        ("num_epoch: 1", "num_epoch: 1\n  batch_per_epoch: 0", "train.batch_per_epoch: 0 given"),
        ("eval_metric: spearmanr", "fix_encoder: 1", "fix_encoder: expected true or false, got 1"),
        ("  lr: 1.0e-4", "  lr: -1.0", "line 29: optimizer: Adam: Invalid learning rate: -1.0"),
        (
            "engine:",
            "scheduler: {class: LinearWarmupDecay, warmup_ratio: 2}\nengine:",
            "line 33: scheduler: LinearWarmupDecay: warmup_ratio: 2 given; expected",
        ),
        ("    input_dim: 21\n", "", "line 16: task.model.input_dim: missing; Protein"),
        ("dataset:", "proteins:", "dataset: missing; the block `dataset:` is needed"),
        ("num_epoch: 1", "batch_per_epoch: 1", "train.num_epoch: missing; how many epochs to"),
        (
            "train:\n  num_epoch: 1",
            "train: 3",
            "line 38: train: expected a block with `num_epoch`, got 3 .whole",
        ),
        ("engine:\n  class: core.Engine\n", "engine:\n  class: Engin\n", "did you mean `Engine`"),
        ("    - class: ProteinView", "    - class: [", "YAML: "),
    ],
)
def test_one_mistake(write, old, new, message):
    assert re.search(message, "\n".join(mistakes(write((old, new)))))


def test_a_variable_without_default_is_needed(write):
    path = write(("class: LengthToy", "class: {{ dataset }}"), ("lr: 1.0e-4", "lr: {{ lr }}"))
    assert mistakes(path) == [
        "--dataset: needed: the configuration has no default for it",
        "--lr: needed: the configuration has no default for it",
    ]
    assert mistakes(path, ["--lr", "1e-3", "--dataset"]) == [
        "--dataset: needs a value",
        "--dataset: needed: the configuration has no default for it",
    ]


def test_a_rate_for_each_group_of_parameters_waits_for_the_groups(write):
    schedule = "scheduler: {class: OneCycleLR, max_lr: [1.0e-4, 1.0e-3], total_steps: 9}\nengine:"
    assert load_config(write(("engine:", schedule))).scheduler.total_steps == 9


def test_a_rate_that_is_still_missing_is_not_tried(write):
    path = write(("lr: 1.0e-4", "lr: {{ lr }}"))
    assert mistakes(path) == ["--lr: needed: the configuration has no default for it"]


def test_broken_jinja_names_the_line(write):
    assert mistakes(write(("lr: 1.0e-4", "lr: {{ lr | }}")))[0].startswith("line 31: jinja: ")
    assert mistakes(write(("lr: 1.0e-4", "lr: {{ lr * 2 }}"))) == [
        "line 31: jinja: 'lr' is undefined"
    ]


def test_jinja_that_cannot_be_computed_names_the_line(write):
    divided = write(("lr: 1.0e-4", "lr: {{ 1 / batch }}"))
    assert mistakes(divided, ["--batch", "0"]) == ["line 31: jinja: division by zero"]
    assert mistakes(divided, ["--batch", "all"])[0].startswith("line 31: jinja: unsupported")
    included = write(("lr: 1.0e-4", "lr: {% include 'rate.yaml' %}"))
    assert mistakes(included)[0].startswith("line 31: jinja: no loader")


def test_no_output_dir_is_the_default_one(write):
    config = load_config(
        write(("~/scratch/torchprotein_output/", "{{ place }}")), ["--place", "null"]
    )
    assert config.output_dir.startswith("runs/")


def test_a_day_that_is_none_is_text_on_the_command_line(write):
    config = load_config(
        write(("~/scratch/torchprotein_output/", "{{ place }}")), ["--place", "2026-31-01"]
    )
    assert config.output_dir == "2026-31-01"


@pytest.mark.parametrize(
    ("old", "new", "flags", "mistake"),
    [
        ("dataset:", "data:", (), "line 3: data: unknown key; did you mean `dataset`?"),
        ("optimizer:", "optimiser:", (), "line 29: optimiser: unknown key; did you mean `optim"),
        ("num_epoch:", "Num_epoch:", (), "line 39: train.Num_epoch: unknown key; did you mean"),
        ("input_dim:", "input_dims:", (), "line 18: task.model.input_dims: unknown key; did you"),
        ("epoch: 1", "epoch: {{ num_epoch }}", ("--epochs", "3"), "--epochs: unknown flag; did "),
    ],
)
def test_what_is_misspelt_is_one_mistake(write, old, new, flags, mistake):
    """That the right one is missing goes without saying."""
    (found,) = mistakes(write((old, new)), list(flags))
    assert found.startswith(mistake)


def test_lines_count_in_the_file_as_written(write):
    block = "{% if big %}\neval_metric: a\ntest_batch_size: 3\n{% endif %}\n"
    path = write(("eval_metric: spearmanr\n", block), ("  lr: 1.0e-4", "  rl: 1"))
    assert mistakes(path, ["--big", "false"])[0].startswith("line 34: optimizer.rl: unknown key")


def test_one_pair_is_no_batch_for_a_contrast(write, monkeypatch):
    replaced = "  class: PairToy\n  model:\n    class: ProteinCNN"
    start, rest = write().read_text().split("  class: PropertyPrediction\n  model:\n    class: ")
    text = start + replaced + rest.removeprefix("ProteinCNN").split("  criterion")[0]
    text += "optimizer: {class: Adam}\ntrain: {num_epoch: 1}\n"
    for engine in ("engine: {class: Engine, batch_size: 1}\n", "engine: {class: Engine}\n"):
        (mistake,) = mistakes(write(text=text + engine))
        assert "engine.batch_size: 1 given; PairToy needs at least 2 in a batch" in mistake
    (mistake,) = mistakes(write(text=text + "engine: {class: Engine, batchsize: 1}\n"))
    assert "engine.batchsize: unknown key; did you mean `batch_size`?" in mistake
    assert any("needs at least 2" in line for line in mistakes(write(text=text + "engine: 5\n")))
    load_config(write(text=text + "engine: {class: Engine, batch_size: 2}\n"))
    monkeypatch.setenv("WORLD_SIZE", "2")  # the other process brings the other pair
    load_config(write(text=text + "engine: {class: Engine, batch_size: 1}\n"))


def test_test_split_needs_a_data_set_that_offers_it(write):
    path = write(
        ("class: LengthToy", "class: Fluorescence"), ("eval_metric: spearmanr", "test_split: x")
    )
    assert "line 27: test_split: Fluorescence has one test set; leave this out" in mistakes(path)


def test_files_and_shipped_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pretrain", "pretrain.yaml", "yaml_configs/pretrain.yaml"):
        assert find_config(name) == shipped_configs()["pretrain"]
    with pytest.raises(InputError, match=r"no configuration pretran: .* mean `pretrain`\?"):
        find_config("pretran")


@pytest.mark.parametrize(
    ("flags", "coverages"), [([], [3, 4]), (["--coverages", "[1, 2, 3, 4]"], [1, 2, 3, 4])]
)
def test_entries_of_few_properties_can_be_kept_by_a_flag(flags, coverages):
    assert load_config("pretrain", flags).dataset.coverages == coverages


def test_unreadable_file(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="cannot be read as text"):
        load_config(path)


def test_empty_file(write):
    missing = [line.split(":")[0] for line in mistakes(write(text="# nothing\n"))]
    assert missing == ["dataset", "task", "optimizer", "train"]
