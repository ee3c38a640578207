import pytest

from protclip_td.benchmark.weights_digest import identity
from protclip_td.config.encoder import encoder_block
from protclip_td.errors import InputError


def test_a_block_has_the_digest_of_its_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    block = f"{{class: ProtCLIP, checkpoint: {tmp_path}, readout: mean}}"
    before = identity(block)
    assert before.startswith(f"{block} (")
    assert before.removeprefix(block) == identity(str(tmp_path)).removeprefix(str(tmp_path))
    (tmp_path / "config.json").write_text("{ }")
    assert identity(block) != before


def test_a_class_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ProteinCNN").write_text("not weights")
    assert identity("{class: ProteinCNN, input_dim: 21}") == "{class: ProteinCNN, input_dim: 21}"


def test_a_block_longer_than_a_file_name():
    block = f"{{class: ProteinCNN, input_dim: 21, hidden_dims: [{', '.join(['64'] * 100)}]}}"
    assert identity(block) == block
    with pytest.raises(InputError, match="expected a ProtCLIP folder"):
        encoder_block("x" * 300)
