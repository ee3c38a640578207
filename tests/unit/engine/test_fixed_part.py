"""Weights that are not trained are written once, and every checkpoint is whole nevertheless."""

import pytest
import torch

from protclip_td.errors import InputError
from protclip_td.training.checkpointing import (
    Checkpoints,
    DamagedCheckpointError,
    load_checkpoint,
)


@pytest.fixture
def model():
    return torch.nn.ModuleDict(
        {"encoder": torch.nn.Linear(100, 100), "head": torch.nn.Linear(2, 1)}
    )


def keep(folder, model, is_best=False):
    """Checkpoints of a model whose encoder is fixed, with one more of them."""
    checkpoints = Checkpoints(folder, ["encoder.weight", "encoder.bias"])
    checkpoints.save({"model": model.state_dict()}, is_best)
    return checkpoints


def is_whole(path, model):
    loaded, own = load_checkpoint(path)["model"], model.state_dict()
    return set(loaded) == set(own) and all(torch.equal(loaded[name], own[name]) for name in own)


def test_it_is_written_once(tmp_path, model):
    checkpoints = keep(tmp_path, model, is_best=True)
    written = (tmp_path / "fixed.pt").stat()
    with torch.no_grad():
        model["head"].weight += 1
    checkpoints.save({"model": model.state_dict()})
    assert (tmp_path / "fixed.pt").stat() == written
    assert checkpoints.last.stat().st_size < written.st_size / 4
    assert is_whole(checkpoints.last, model)
    assert not is_whole(checkpoints.previous, model)  # it has the head of before
    assert not is_whole(checkpoints.best, model)


@pytest.mark.parametrize("resumed", [False, True])
def test_what_changes_nevertheless_goes_into_each_checkpoint(tmp_path, model, resumed):
    """Such as a moving average; the checkpoints of before stay whole."""
    checkpoints = keep(tmp_path, model, is_best=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    written = (tmp_path / "fixed.pt").stat()
    model["encoder"].bias.data = torch.ones(100)
    if resumed:
        checkpoints = keep(tmp_path, model)
    else:
        checkpoints.save({"model": model.state_dict()})
    assert is_whole(checkpoints.last, model)
    assert (tmp_path / "fixed.pt").stat() == written
    for path in (checkpoints.previous, checkpoints.best):
        loaded = load_checkpoint(path)["model"]
        assert all(torch.equal(loaded[name], before[name]) for name in before)
    with torch.no_grad():
        model["encoder"].weight.add_(1)
    checkpoints.save({"model": model.state_dict()})
    assert is_whole(checkpoints.last, model)


def test_where_all_has_changed_a_checkpoint_is_whole_alone(tmp_path, model):
    keep(tmp_path, model)
    checkpoints = keep(tmp_path, torch.nn.ModuleDict({"encoder": torch.nn.Linear(100, 100)}))
    (tmp_path / "fixed.pt").unlink()
    assert load_checkpoint(checkpoints.last)["model"].keys() == {"encoder.weight", "encoder.bias"}


def test_a_resumed_run_leaves_the_checkpoints_of_before_whole(tmp_path, model):
    keep(tmp_path, model, is_best=True)
    checkpoints = keep(tmp_path, model)
    for path in (checkpoints.last, checkpoints.previous, checkpoints.best):
        assert is_whole(path, model)


def test_a_checkpoint_alone_is_refused(tmp_path, model):
    checkpoints = keep(tmp_path / "run", model)
    alone = tmp_path / "mine.pt"
    alone.write_bytes(checkpoints.last.read_bytes())
    with pytest.raises(InputError, match=r"mine\.pt needs .* is not there\. Copy both files"):
        load_checkpoint(alone)
    (tmp_path / "fixed.pt").write_bytes((tmp_path / "run" / "fixed.pt").read_bytes())
    assert is_whole(alone, model)


def test_that_of_another_run_is_refused(tmp_path, model):
    checkpoints = keep(tmp_path / "run", model)
    other = torch.nn.ModuleDict({"encoder": torch.nn.Linear(100, 100), "head": model["head"]})
    keep(tmp_path / "other", other)
    (tmp_path / "other" / "fixed.pt").replace(tmp_path / "run" / "fixed.pt")
    with pytest.raises(InputError, match=r"run/fixed\.pt is another run's\. Copy both files"):
        load_checkpoint(checkpoints.last)


def test_a_damaged_one_is_named(tmp_path, model):
    checkpoints = keep(tmp_path, model)
    content = (tmp_path / "fixed.pt").read_bytes()
    (tmp_path / "fixed.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedCheckpointError, match=r"fixed\.pt is damaged"):
        load_checkpoint(checkpoints.last)


def test_without_fixed_weights_there_is_no_such_file(tmp_path, model):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"model": model.state_dict()})
    assert is_whole(checkpoints.last, model)
    assert not (tmp_path / "fixed.pt").exists()
