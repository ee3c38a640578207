"""Experiments from configurations: parameter groups, frozen encoders, weights, splits."""

import errno
import sys

import pytest
import torch
from torchdrug import core, models, tasks
from torchdrug.core import Registry as R

from protclip_td.building import build
from protclip_td.building.experiment import split
from protclip_td.building.objects import build_object
from protclip_td.building.parameters import (
    encoder_of,
    freeze,
    parameter_groups,
    second_encoder_of,
)
from protclip_td.config import load_config
from protclip_td.errors import InputError

MULTIPLE = """\
dataset: {class: LabelToy, path: x}
task:
  class: MultipleBinaryClassification
  model: {class: ProteinCNN, input_dim: 21, hidden_dims: [8], kernel_size: 5, padding: 2}
optimizer: {class: SGD}
engine: {class: core.Engine, batch_size: 2}
train: {num_epoch: 1}
"""


@R.register("models.TwoPartToy")
class TwoPartToy(torch.nn.Module, core.Configurable):
    """A model with a protein encoder and a projection, as ProtCLIP has."""

    output_dim = 3

    def __init__(self, size: int = 3, checkpoint: str | None = None):
        super().__init__()
        self.protein_encoder = torch.nn.Linear(21, size)
        self.projection = torch.nn.Linear(size, 3)
        self.checkpoint = checkpoint


class ModelOnly(tasks.Task):
    """A task whose trained parts all belong to its model, as in pretraining."""

    def __init__(self, model):
        super().__init__()
        self.model = model


def ids(parameters):
    return {id(parameter) for parameter in parameters}


def test_peer_configuration_trains_in_the_unmodified_engine(write):
    experiment = build(load_config(write()))
    assert [len(split) for split in experiment.splits] == [4, 2, 2]
    assert list(experiment.task.task) == ["length"]
    assert type(experiment.engine) is core.Engine
    before = [p.clone() for p in experiment.task.parameters()]
    experiment.engine.train(num_epoch=2)
    after = list(experiment.task.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after))
    assert "spearmanr [length]" in experiment.engine.evaluate("valid")


def test_default_engine_is_ours(write):
    experiment = build(load_config(write(("  class: core.Engine\n", ""))))
    assert type(experiment.engine).__name__ == "ResumableEngine"


def test_engine_has_each_set_in_its_place(write):
    """The toy's validation and test set are as large as each other."""
    built = build(load_config(write()))
    sets = (built.engine.train_set, built.engine.valid_set, built.engine.test_set)
    assert [list(part.indices) for part in sets] == [[0, 1, 2, 3], [4, 5], [6, 7]]


def test_heads_made_in_preprocess_get_the_full_rate(write):
    experiment = build(load_config(write(("eval_metric: spearmanr", "lr_ratio: 0.1"))))
    encoder, head = experiment.engine.optimizer.param_groups
    assert (encoder["lr"], head["lr"]) == (pytest.approx(1e-5), 1e-4)
    assert ids(encoder["params"]) == ids(experiment.task.model.parameters())
    assert ids(head["params"]) == ids(experiment.task.mlp.parameters())
    # TorchDrug's own preprocess is back, for whoever calls it later.
    assert experiment.task.preprocess.__func__ is tasks.PropertyPrediction.preprocess


def test_lr_ratio_of_the_default_rate(write):
    experiment = build(load_config(write(text=MULTIPLE + "lr_ratio: 0.1\n")))
    rates = [group["lr"] for group in experiment.engine.optimizer.param_groups]
    assert rates == [pytest.approx(1e-4), 1e-3]


def test_fixed_encoder_stays_as_it_is(write):
    experiment = build(load_config(write(("eval_metric: spearmanr", "fix_encoder: True"))))
    (group,) = experiment.engine.optimizer.param_groups
    assert ids(group["params"]) == ids(experiment.task.mlp.parameters())
    before = [p.clone() for p in experiment.task.model.parameters()]
    experiment.engine.train(num_epoch=1)
    assert all(map(torch.equal, before, experiment.task.model.parameters()))


def test_fixed_encoder_has_no_dropout_in_training(write):
    text = MULTIPLE.replace(
        "{class: ProteinCNN, input_dim: 21, hidden_dims: [8], kernel_size: 5, padding: 2}",
        "{class: ProteinBERT, input_dim: 21, hidden_dim: 8, num_layers: 1, num_heads: 2}",
    )
    experiment = build(load_config(write(text=text + "fix_encoder: true\n")))
    experiment.engine.train(num_epoch=1)
    assert experiment.task.mlp.training
    assert any(isinstance(module, torch.nn.Dropout) for module in experiment.task.model.modules())
    assert not any(module.training for module in experiment.task.model.modules())


def test_labels_are_counted_for_multiple_binary_classification(write):
    experiment = build(load_config(write(text=MULTIPLE)))
    assert experiment.task.task == [0, 1]
    experiment.engine.train(num_epoch=1)


def test_own_task_is_kept(write):
    path = write(("  criterion: mse", "  criterion: mse\n  task: [length]\n  verbose: 1"))
    assert list(build(load_config(path)).task.task) == ["length"]


def test_test_split(write):
    experiment = build(load_config(write(("eval_metric: spearmanr", "test_split: cb513"))))
    assert list(experiment.splits[2].indices) == [0, 1]


def test_scheduler_drives_the_optimizer(write):
    block = "scheduler: {class: StepLR, step_size: 1, gamma: 0.5}\n"
    experiment = build(load_config(write(text=write().read_text() + block)))
    assert experiment.engine.scheduler.optimizer is experiment.engine.optimizer
    experiment.engine.train(num_epoch=1)
    assert experiment.engine.optimizer.param_groups[0]["lr"] == 5e-5


def test_same_seed_same_weights(write):
    def first_weights(seed):
        path = write(("eval_metric: spearmanr", f"seed: {seed}"))
        return next(build(load_config(path)).task.parameters()).clone()

    assert torch.equal(first_weights(3), first_weights(3))
    assert not torch.equal(first_weights(3), first_weights(4))


def test_ranks_draw_other_random_numbers(write, monkeypatch):
    """Masks and dropout of two processes are not the same."""

    def drawn(rank):
        monkeypatch.setattr("protclip_td.building.experiment.comm.get_rank", lambda: rank)
        build(load_config(write()))
        return torch.rand(3).tolist()

    assert drawn(0) == drawn(0) != drawn(1)


def test_ranks_split_the_data_alike(write, monkeypatch):
    """Where a split is drawn, it must be the same in all processes."""
    drawn = []

    def draw_and_split(*args, **kwargs):
        drawn.append(torch.rand(3).tolist())
        return split(*args, **kwargs)

    monkeypatch.setattr("protclip_td.building.experiment.split", draw_and_split)
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        build(load_config(write()))
    assert drawn[0] == drawn[1]


def test_gpus_of_another_machine(write, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    experiment = build(load_config(write(("gpus: null", "gpus: [0, 1, 2, 3]"))))
    assert experiment.engine.device.type == "cpu"
    assert "engine.gpus is [0, 1, 2, 3], but PyTorch sees no GPU: on the CPU instead" in caplog.text


def test_what_a_class_refuses_names_the_class(write):
    with pytest.raises(InputError, match="Engine: Unknown logger `paper`"):
        build(load_config(write(("gpus: null", "logger: paper"))))


def test_missing_package_names_the_class_that_needs_it(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=r"Engine: Wandb is not found.*`pip install wandb`"):
        build(load_config(write(("gpus: null", "logger: wandb"))))


def test_file_that_cannot_be_read_names_the_class_that_needs_it(write, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    config = load_config(write())
    monkeypatch.setattr(models.ProteinCNN, "__init__", refuse)
    with pytest.raises(InputError, match=r"ConvolutionalNetwork: .* Network is unreachable"):
        build(config)


def test_nested_blocks_in_lists_become_objects():
    block = {"class": "Compose", "transforms": [{"class": "ProteinView", "view": "residue"}]}
    composed = build_object(block)
    assert composed.transforms[0].view == "residue"


def test_encoder_of_a_task_with_and_without_a_head(write):
    model = TwoPartToy()
    assert encoder_of(ModelOnly(model)) is model.protein_encoder
    with_head = tasks.MultipleBinaryClassification(model, task=[0])
    assert encoder_of(with_head) is model
    with pytest.raises(InputError, match="Task has no `model`; leave out `lr_ratio`"):
        encoder_of(tasks.Task())


def test_second_encoder_of_a_task_on_pairs(write):
    """As PEER's `fix_encoder2` means it, where the second may be the first."""
    model, other = TwoPartToy(), TwoPartToy()
    assert second_encoder_of(tasks.InteractionPrediction(model, other, task=["y"])) is other
    assert second_encoder_of(tasks.InteractionPrediction(model, task=["y"])) is model
    config = load_config(write(("eval_metric: spearmanr", "fix_encoder2: true")))
    with pytest.raises(InputError, match="PropertyPrediction has no `model2`; leave out `fix_enc"):
        build(config)


def test_pretraining_keeps_the_heads_in_the_model_at_the_full_rate():
    model = TwoPartToy()
    encoder, rest = parameter_groups(ModelOnly(model), lr=1.0, lr_ratio=0.1)
    assert ids(encoder["params"]) == ids(model.protein_encoder.parameters())
    assert ids(rest["params"]) == ids(model.projection.parameters())
    freeze(model)
    with pytest.raises(
        InputError, match=r"ModelOnly has nothing to train: .* `fix_encoder: false`, or"
    ):
        parameter_groups(ModelOnly(model))


def with_checkpoint(write, checkpoint, **changes):
    path = write(("eval_metric: spearmanr", f"checkpoint: {checkpoint}"), *changes.items())
    return load_config(path)


def saved(experiment, path):
    experiment.engine.save(str(path))
    return path


def test_weights_of_a_checkpoint_without_its_head(write, tmp_path):
    old = build(load_config(write()))
    del old.engine.model.mlp
    path = saved(old, tmp_path / "old.pth")
    new = build(with_checkpoint(write, path))
    for name, value in old.task.model.state_dict().items():
        assert torch.equal(new.task.model.state_dict()[name], value)


def test_checkpoint_of_other_sizes_lists_both_shapes(write, tmp_path):
    path = saved(build(load_config(write())), tmp_path / "old.pth")
    config = with_checkpoint(write, path)
    config.task.model.hidden_dims = [8, 4]
    message = (
        r"old\.pth do not fit; give `task.model` the sizes .*\n"
        r"  model\.layers\.1\.weight: \(8, 8, 5\) in the file, \(4, 8, 5"
    )
    with pytest.raises(InputError, match=message):
        build(config)


def test_checkpoint_that_fits_nothing(write, tmp_path):
    torch.save({"model": {"other.weight": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"fits nothing in PropertyPrediction: it holds other\."):
        build(with_checkpoint(write, tmp_path / "other.pth"))


def test_missing_and_damaged_checkpoints(write, tmp_path):
    with pytest.raises(InputError, match=r"There is no checkpoint .*gone\.pth"):
        build(with_checkpoint(write, tmp_path / "gone.pth"))
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(InputError, match=r"cut\.pth is damaged"):
        build(with_checkpoint(write, tmp_path / "cut.pth"))


def test_folder_goes_to_the_model_in_place_of_its_encoders(write, tmp_path):
    with pytest.raises(InputError, match=r"which ProteinConvolutionalNetwork cannot read\. Give"):
        build(with_checkpoint(write, tmp_path))
    text = MULTIPLE.replace("{class: ProteinCNN", "{class: TwoPartToy, size: 5}\n  # {")
    config = load_config(write(text=f"{text}checkpoint: {tmp_path}\n"))
    model = build(config).task.model
    assert model.checkpoint == str(tmp_path)
    assert model.protein_encoder.out_features == 5  # the other settings stay


class Divided:
    """A data set of three given sets."""

    def __init__(self, *sizes):
        self.sizes = sizes

    def split(self):
        return [range(size) for size in self.sizes]


@pytest.mark.parametrize(
    ("sizes", "trained", "said"),
    [
        ((2, 1, 1), True, []),
        ((2, 0, 1), True, ["validation set is empty: the last epoch counts"]),
        ((2, 1, 0), True, ["test set is empty: nothing will be tested"]),
        ((0, 0, 1), False, []),
        ((0, 0, 0), False, ["test set is empty"]),
    ],
)
def test_empty_sets_are_said(sizes, trained, said, caplog):
    assert [len(part) for part in split(Divided(*sizes), None, not trained)] == list(sizes)
    assert len(caplog.messages) == len(said)
    assert all(text in message for text, message in zip(said, caplog.messages))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1, 1), "Divided: the training set is empty. Check how the data are split"),
        ((1, 1), "into 2 sets; expected train"),
    ],
)
def test_sets_that_cannot_be_trained_on(sizes, message):
    with pytest.raises(InputError, match=message):
        split(Divided(*sizes), None)


def test_data_set_without_a_split_method():
    with pytest.raises(InputError, match=r"list has no `split` method, .* take another data set"):
        split([1, 2], None)


def test_data_set_that_cannot_be_split(write):
    config = load_config(write())
    config.dataset = {"class": "ProteinDataset"}
    with pytest.raises(InputError, match="unknown class `ProteinDataset`"):
        build(config)
