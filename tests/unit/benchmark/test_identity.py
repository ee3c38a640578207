"""When two settings mean the same weights."""

import pytest

from protclip_td.benchmark.identity import Identity, are_alike, identify
from protclip_td.config.encoder import encoder_block
from protclip_td.errors import InputError


def test_a_block_has_the_digest_of_its_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    block = f"{{class: ProtCLIP, checkpoint: {tmp_path}, readout: mean}}"
    before = identify(block)
    assert before.given == block
    assert before.digest == identify(str(tmp_path)).digest
    assert str(before) == f"{block} ({before.digest})"
    (tmp_path / "config.json").write_text("{ }")
    assert identify(block).digest != before.digest


def test_a_class_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ProteinCNN").write_text("not weights")
    block = "{class: ProteinCNN, input_dim: 21}"
    assert identify(block) == Identity(block)


def test_a_block_longer_than_a_file_name():
    block = f"{{class: ProteinCNN, input_dim: 21, hidden_dims: [{', '.join(['64'] * 100)}]}}"
    assert identify(block) == Identity(block)
    with pytest.raises(InputError, match="expected a ProtCLIP folder"):
        encoder_block("x" * 300)


ONE, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Identity("runs/lr=1e-3,a/model", ONE), Identity("/else/where", ONE), True),
        (Identity("runs/{x}", ONE), Identity("runs/model (old)", ONE), True),
        (Identity("runs/model", ONE), Identity("runs/model", OTHER), False),
        (Identity("runs/model", ONE), Identity("runs/model"), False),
        (Identity("ProteinCNN"), Identity("ProteinBERT"), False),
        # The other settings of a block count, too.
        (Identity("{class: A, path: x}", ONE), Identity("{class: A, path: x}", ONE), True),
        (Identity("{class: A, path: x}", ONE), Identity("{class: B, path: x}", ONE), False),
        (Identity("{class: A, path: x}", ONE), Identity("x", ONE), False),
    ],
)
def test_files_may_lie_elsewhere(first, second, expected):
    assert first.means(second) is second.means(first) is expected


def test_settings_are_compared_name_by_name():
    settings = {"encoder": Identity("a", ONE), "lr": Identity("1")}
    assert are_alike(settings, {"encoder": Identity("b", ONE), "lr": Identity("1")})
    assert not are_alike(settings, {"encoder": Identity("a", ONE)})
    assert not are_alike(settings, {**settings, "lr": Identity("2")})
