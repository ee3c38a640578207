import errno
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from protclip_td.errors import InputError, TrainingError
from protclip_td.training import checkpointing
from protclip_td.training.checkpointing import (
    Checkpoints,
    DamagedCheckpointError,
    load_checkpoint,
    load_model_state,
    to_plain,
)
from protclip_td.training.disk import explain_disk_errors, write_file
from protclip_td.whole_files import replace_file


def state(number):
    return {"model": {"weight": torch.full((100,), float(number))}, "number": number}


def number(path):
    return load_checkpoint(path)["number"]


def test_last_and_previous_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new")
    assert not checkpoints.exist()
    for i in range(3):
        checkpoints.save(state(i), is_best=i == 1)
    assert (number(checkpoints.last), number(checkpoints.previous)) == (2, 1)
    assert number(checkpoints.best) == 1
    assert len(list(checkpoints.folder.iterdir())) == 3


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def test_copies_best_where_the_file_system_knows_no_links(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(checkpointing.os, "link", refuse)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state(1), is_best=True)
    assert number(checkpoints.best) == number(checkpoints.last) == 1


def test_newest_readable_is_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state(1))
    checkpoints.save(state(2))
    checkpoints.last.unlink()  # as if killed between the two renames
    loaded, path, damaged = checkpoints.load_newest()
    assert (loaded["number"], path, damaged) == (1, checkpoints.previous, {})


@pytest.mark.parametrize("name", ["last.pt", "previous.pt"])
def test_one_of_the_two_is_something_to_resume_from(tmp_path, name):
    checkpoints = Checkpoints(tmp_path)
    assert not checkpoints.exist()
    (tmp_path / "best.pt").touch()
    assert not checkpoints.exist()
    (tmp_path / name).touch()
    assert checkpoints.exist()


class Evil:
    def __reduce__(self):
        return os.mkdir, ("made",)


def test_no_checkpoint_runs_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Evil()}, tmp_path / "last.pt")
    with pytest.raises(DamagedCheckpointError, match="not hold plain types and tensors alone"):
        load_checkpoint(tmp_path / "last.pt")
    assert not (tmp_path / "made").exists()


def test_nothing_to_resume_from(tmp_path):
    with pytest.raises(InputError, match="There is no checkpoint in"):
        Checkpoints(tmp_path).load_newest()


@pytest.mark.parametrize("damage", ["cut", "bit", "name", "empty", "text"])
def test_damage_is_noticed_and_named(tmp_path, damage):
    path = tmp_path / "last.pt"
    torch.save(state(1), path)
    content = bytearray(path.read_bytes())
    damaged = {"cut": content[:-50], "empty": b"", "text": b"no checkpoint"}
    if damage == "bit":
        content[content.index(torch.ones(3).numpy().tobytes())] ^= 1  # inside the tensor
    if damage == "name":
        content[content.rindex(b"data.pkl")] = 0x9D  # no UTF-8, in the list of the parts
    path.write_bytes(damaged.get(damage, content))
    with pytest.raises(DamagedCheckpointError, match=r"The checkpoint .*last\.pt is damaged"):
        load_checkpoint(path)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "last.pt")
    torch.save({"weight": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="is no checkpoint: it holds no 'model'"):
        load_checkpoint(tmp_path / "other.pt")


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "last.pt").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"last\.pt cannot be read: Permission denied") as error:
        load_checkpoint(tmp_path / "last.pt")
    assert not isinstance(error.value, DamagedCheckpointError)


def test_other_sizes_are_named():
    saved = {"weight": torch.ones(3, 2), "old": torch.ones(1)}
    with pytest.raises(InputError) as error:
        load_model_state(nn.Linear(2, 4), saved, "last.pt")
    message = str(error.value)
    assert "last.pt do not fit; use the config they were trained with:\n  weight" in message
    assert "weight: (3, 2) in the file, (4, 2) in the model" in message
    assert "bias: missing" in message
    assert "old: not in the model" in message


def test_plain_types(tmp_path):
    value = {"a": Counter({3: 2}), "b": np.float64(0.5), "c": (np.arange(2), None), 4: [True, "x"]}
    torch.save(to_plain(value, "state"), tmp_path / "x.pt")
    loaded = torch.load(tmp_path / "x.pt", weights_only=True)
    assert type(loaded["a"]) is dict
    assert loaded["c"][0].tolist() == [0, 1]
    assert (loaded["b"], loaded[4]) == (0.5, [True, "x"])


def test_other_types_are_refused():
    with pytest.raises(InputError, match=r"state\['a'\]\[0\] is a object"):
        to_plain({"a": [object()]}, "state")


def test_full_disk(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write(file):
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"new")

    with (
        pytest.raises(TrainingError, match=r"No space left on device.*intact\. Free some space in"),
        explain_disk_errors(path),
    ):
        replace_file(path, write)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_a_used_up_quota_is_a_full_disk_also_inside_another_error(tmp_path, link):
    """As `torch.save` puts it."""
    buried = RuntimeError("unexpected pos 64")
    setattr(buried, link, OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)))
    message = r"last\.pt could not be written: Disk quota exceeded\..* Free some space in"
    with pytest.raises(TrainingError, match=message), explain_disk_errors(tmp_path / "last.pt"):
        raise buried


def test_a_disk_that_is_not_full_is_not_called_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError) as error:
        write_file(tmp_path / "file" / "folder" / "below", "text")
    assert str(error.value) == (
        f"{tmp_path}/file/folder/below could not be written: Not a directory. What was written "
        "before is intact."
    )


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="a bug"), explain_disk_errors(None):
        raise RuntimeError("a bug")
