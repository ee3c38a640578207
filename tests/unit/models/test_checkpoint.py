"""Checkpoints on disk: nothing lost, nothing half-written, and clear words about bad ones."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from protclip_td.errors import InputError
from protclip_td.models import checkpoint
from protclip_td.models.protclip import ProtCLIP

RELEASED = Path(__file__).parents[2] / "data" / "released_tiny"


@pytest.fixture
def released_copy(tmp_path):
    return Path(shutil.copytree(RELEASED, tmp_path / "released"))


def test_loading_and_saving_the_published_layout_loses_nothing(tmp_path):
    ProtCLIP.from_pretrained(RELEASED).save_pretrained(tmp_path / "again")
    before = load_file(RELEASED / "model.safetensors")
    after = load_file(tmp_path / "again" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    fields = json.loads((RELEASED / "config.json").read_text())
    saved = json.loads((tmp_path / "again" / "config.json").read_text())
    assert fields.keys() <= saved.keys()
    for key, value in fields.items():
        if not key.endswith("model_config"):
            assert saved[key] == value, key
        else:
            assert value.keys() <= saved[key].keys()
            assert saved[key]["_name_or_path"] == value["_name_or_path"]


# Of the published file, as the released code calls its parts.
PUBLISHED = {
    "protein_encoder.model.encoder.layer.1.attention.self.query.weight": (
        "protein_model.encoder.layer.1.attention.self.query.weight"
    ),
    "text_encoder.model.encoder.layer.1.attention.self.query.weight": (
        "text_model.encoder.layer.1.attention.self.query.weight"
    ),
    "protein_projection.2.weight": "protein_projection.2.weight",
    "text_projection.2.weight": "text_projection.2.weight",
    "mlm_head.3.weight": "mlm_head.3.weight",
    "reconstruction_head.3.weight": "t2p_mlm_head.3.weight",
    "biotext_attention.query.weight": "decoder.query.weight",
    "biotext_attention.key.weight": "decoder.key.weight",
    "biotext_attention.value.weight": "decoder.value.weight",
    "property_bank.prototype.weight": "proto_bank.prototype.weight",
    "logit_scale": "logit_scale",
}


def test_each_published_tensor_gets_to_its_own_place():
    """Many have the same shape, so that nothing else would notice."""
    file = load_file(RELEASED / "model.safetensors")
    ours = ProtCLIP.from_pretrained(RELEASED).state_dict()
    for name, published in PUBLISHED.items():
        same = [other for other in file if torch.equal(ours[name], file[other])]
        assert same == [published], name
    assert ours["local_logit_scale"] == file["local_logit_scale"][0] != file["logit_scale"]


def test_the_value_of_the_local_scale_that_nothing_reads_is_written_back(released_copy, tmp_path):
    file = released_copy / "model.safetensors"
    save_file(load_file(file) | {"local_logit_scale": torch.tensor([1.5, 2.5])}, file)
    ProtCLIP.from_pretrained(released_copy).save_pretrained(tmp_path / "again")
    saved = load_file(tmp_path / "again" / "model.safetensors")
    assert saved["local_logit_scale"].tolist() == [1.5, 2.5]


def test_weights_of_half_precision_are_read(released_copy):
    file = released_copy / "model.safetensors"
    halves = {name: tensor.half() for name, tensor in load_file(file).items()}
    save_file(halves, file)
    read = ProtCLIP.from_pretrained(released_copy).protein_projection[0].weight
    assert torch.equal(read, halves["protein_projection.0.weight"].float())


def test_a_new_model_has_every_tensor_and_field_of_the_published_layout(tiny_model, tmp_path):
    tiny_model.save_pretrained(tmp_path / "new")
    tensors = load_file(tmp_path / "new" / "model.safetensors")
    expected = load_file(RELEASED / "model.safetensors")
    assert tensors.keys() == expected.keys()
    for name in expected:
        assert tensors[name].dim() == expected[name].dim(), name
    fields = json.loads((tmp_path / "new" / "config.json").read_text())
    assert json.loads((RELEASED / "config.json").read_text()).keys() - fields.keys() == {
        "transformers_version"
    }
    assert fields["hidden_sizes"] == [32, 24, 16]
    assert (fields["projection_dim"], fields["proto_dim"], fields["proto_num"]) == (16, 16, 8)
    assert fields["protein_model_config"]["model_type"] == "esm"


def test_saved_and_read_again_gives_the_same_model(tiny_model, tmp_path):
    with torch.no_grad():
        tiny_model.local_logit_scale.fill_(1.5)
    tiny_model.save_pretrained(tmp_path / "deep" / "new")
    again = ProtCLIP.from_pretrained(tmp_path / "deep" / "new")
    before, after = tiny_model.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    texts, sequences = ["FUNCTION: binding"], ["MKTAYIAK"]
    assert torch.equal(tiny_model.encode_text(texts), again.encode_text(texts))
    assert torch.equal(tiny_model.encode_protein(sequences), again.encode_protein(sequences))


def test_a_plain_protein_encoder_is_saved_and_read(tiny_protein_folder, tmp_path):
    model = ProtCLIP(tiny_protein_folder)
    model.save_pretrained(tmp_path / "plain")
    again = ProtCLIP.from_pretrained(tmp_path / "plain")
    assert again.text_encoder is None
    sequences = ["MKTAYIAK"]
    assert torch.equal(model.protein_features(sequences), again.protein_features(sequences))


def test_saving_into_a_folder_leaves_what_else_is_there(tiny_model, tmp_path):
    folder, link = tmp_path / "model", tmp_path / "link"
    (folder / "notes").mkdir(parents=True)
    (folder / "precious.txt").write_text("of something else")
    (folder / "config.json").write_text("{}")
    link.symlink_to(folder)
    tiny_model.save_pretrained(link)
    assert (folder / "precious.txt").read_text() == "of something else"
    assert link.is_symlink()
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "notes", "precious.txt", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    ProtCLIP.from_pretrained(folder)


def test_saving_over_a_file_is_refused(tiny_model, tmp_path):
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(InputError, match=r"notes\.txt cannot be made a folder: Not a directory"):
        tiny_model.save_pretrained(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_a_folder_is_a_checkpoint_once_all_is_there(tiny_model, tmp_path, monkeypatch):
    moved = []
    replace = checkpoint.os.replace
    monkeypatch.setattr(
        checkpoint.os, "replace", lambda a, b: moved.append(b.name) or replace(a, b)
    )
    tiny_model.save_pretrained(tmp_path / "model")
    assert moved[-1] == "config.json"
    assert "model.safetensors" in moved


def test_others_may_read_what_is_saved(tiny_model, tmp_path):
    """As far as the user lets them read new files."""
    tiny_model.save_pretrained(tmp_path / "model")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()

    def mode(path):
        return path.stat().st_mode

    assert mode(tmp_path / "model") == mode(tmp_path / "other")
    files = set(map(mode, (tmp_path / "model").iterdir()))
    assert files == {mode(tmp_path / "other" / "file")}


def test_full_disk_leaves_the_former_checkpoint(tiny_model, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    tiny_model.save_pretrained(folder)
    before = (folder / "model.safetensors").read_bytes()

    def no_space(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "published_config", no_space)
    with pytest.raises(OSError, match="No space left"):
        tiny_model.save_pretrained(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_safetensors_cannot_write_is_an_error_of_the_disk(tiny_model, tmp_path, monkeypatch):
    def fail(*args, **options):
        raise SafetensorError("I/O error: File too large (os error 27)")

    monkeypatch.setattr("protclip_td.models.checkpoint.save_file", fail)
    with pytest.raises(OSError, match=r"File too large.*model/model\.safetensors"):
        tiny_model.save_pretrained(tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file(released_copy, name):
    (released_copy / name).unlink()
    with pytest.raises(InputError, match=rf"released': there is no {name}; expected a folder"):
        ProtCLIP.from_pretrained(released_copy)


@pytest.mark.parametrize("given", ["", "checkpoints", "checkpoints/best.pt"])
def test_a_run_folder_in_the_place_of_its_model(given, released_copy, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "best.pt").touch()
    released_copy.rename(tmp_path / "run" / "model")
    with pytest.raises(InputError, match=rf"no config\.json.*did you mean {tmp_path}/run/model\?"):
        ProtCLIP.from_pretrained(tmp_path / "run" / given)
    with pytest.raises(InputError, match=r"and model\.safetensors$"):
        ProtCLIP.from_pretrained(tmp_path / "elsewhere")


def test_damaged_tensors_name_the_file(released_copy):
    file = released_copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100000])
    with pytest.raises(InputError, match=r"released/model.safetensors is damaged or incomplete"):
        ProtCLIP.from_pretrained(released_copy)


@pytest.mark.parametrize("content", [b'{"projection_dim": 16,', b"\xff\x00"])
def test_damaged_config_names_the_file(released_copy, content):
    (released_copy / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=r"released/config.json is damaged .*; fetch or save it"):
        ProtCLIP.from_pretrained(released_copy)


@pytest.mark.parametrize(
    "encoder", ["x", {"num_hidden_layers": -2}, {"hidden_size": 7}, {"layer_norm_eps": "small"}]
)
def test_a_config_that_describes_no_encoder_names_the_file(released_copy, encoder):
    config = json.loads((released_copy / "config.json").read_text())
    (released_copy / "config.json").write_text(
        json.dumps({**config, "protein_model_config": encoder})
    )
    with pytest.raises(InputError, match=r"released/config.json describes no encoders that can be"):
        ProtCLIP.from_pretrained(released_copy)


def test_another_model_s_folder(tiny_protein_folder, released_copy):
    message = (
        r"config.json is not a ProtCLIP checkpoint's: it lacks `protein_model_config`; "
        r"give a plain ESM-2 as `protein_encoder` \(--encoder downstream\)"
    )
    with pytest.raises(InputError, match=message):
        ProtCLIP.from_pretrained(tiny_protein_folder)
    (released_copy / "config.json").write_text("3")
    with pytest.raises(InputError, match=message):
        ProtCLIP.from_pretrained(released_copy)


def test_other_sizes_list_each_tensor_with_both_shapes(released_copy):
    fields = json.loads((released_copy / "config.json").read_text())
    fields |= {"projection_dim": 12, "proto_num": 20}
    (released_copy / "config.json").write_text(json.dumps(fields))
    with pytest.raises(InputError, match=r"model.safetensors do not fit") as caught:
        ProtCLIP.from_pretrained(released_copy)
    for line in (
        "protein_projection.0.weight: (16, 32) in the file, (12, 32) in the model",
        "property_bank.prototype.weight: (16, 16) in the file, (20, 12) in the model",
    ):
        assert line in str(caught.value)


def test_missing_tensors_are_listed(released_copy):
    fields = json.loads((released_copy / "config.json").read_text())
    fields["protein_model_config"]["num_hidden_layers"] = 3
    (released_copy / "config.json").write_text(json.dumps(fields))
    with pytest.raises(InputError, match=r"protein_encoder.model.encoder.layer.2.*: missing"):
        ProtCLIP.from_pretrained(released_copy)
