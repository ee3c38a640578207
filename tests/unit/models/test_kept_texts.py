"""A frozen text encoder is asked once per text, also over several runs."""

import json
import shutil

import pytest
import torch

from protclip_td.errors import InputError
from protclip_td.models.kept_texts import keep_means
from protclip_td.models.state_features import model_digest
from protclip_td.models.text_encoder import TextEncoder
from protclip_td.models.weights import text_model

TEXTS = ["Kinase", "binding of the cell membrane", "Kinase", "a"]


def make(folder, with_tokenizer=True):
    model, tokenizer, _ = text_model(folder)
    return TextEncoder(model, tokenizer if with_tokenizer else None)


def test_same_means_as_without(tiny_text_folder, tmp_path):
    encoder = make(tiny_text_folder)
    expected = encoder.means(TEXTS)
    kept = keep_means(encoder, tmp_path).features
    assert torch.equal(encoder.means(TEXTS), expected)
    assert (kept.num_computed, kept.num_found) == (3, 1)
    assert torch.equal(encoder.means(TEXTS[::-1]), expected.flip(0))
    assert (kept.num_computed, kept.num_found) == (3, 5)
    assert encoder.means([]).shape == (0, encoder.hidden_size)
    one, other = encoder.means(["cell membrane", "membrane cell"])
    assert not torch.equal(one, other)


def test_the_next_run_finds_them(tiny_text_folder, tmp_path, monkeypatch):
    first, second = make(tiny_text_folder), make(tiny_text_folder)
    keep_means(first, tmp_path)
    expected = first.means(TEXTS)
    keep_means(second, tmp_path)
    monkeypatch.setattr(second, "_encode", lambda texts, **_: pytest.fail(f"{texts} encoded again"))
    assert torch.equal(second.means(TEXTS[:2]), expected[:2])


def test_the_same_words_in_other_tokens_are_another_text(tiny_text_folder, tmp_path):
    encoder = make(tiny_text_folder)
    kept = keep_means(encoder, tmp_path).features
    before = encoder.means(["cell membrane"])
    theirs = encoder.tokenizer
    encoder.tokenizer = lambda text, **options: theirs(text.replace("cell", "a"), **options)
    encoder.clear_cache()
    assert not torch.equal(encoder.means(["cell membrane"]), before)
    assert kept.num_computed == 2


def test_other_weights_are_another_encoder(tiny_text_folder, tmp_path):
    encoder = make(tiny_text_folder)
    kept = keep_means(encoder, tmp_path).features
    before = encoder.means(TEXTS)
    encoder.load_state_dict({key: value + 0.1 for key, value in encoder.state_dict().items()})
    assert not torch.allclose(encoder.means(TEXTS), before)
    assert kept.num_computed == 6


def test_the_settings_count_and_the_folder_does_not(tiny_text_folder, tmp_path):
    copy = shutil.copytree(tiny_text_folder, tmp_path / "copy")
    name = model_digest(make(tiny_text_folder).model)
    assert model_digest(make(str(copy)).model) == name
    config = json.loads((copy / "config.json").read_text())
    config["num_attention_heads"] //= 2
    (copy / "config.json").write_text(json.dumps(config))
    assert model_digest(make(str(copy)).model) != name


def test_what_cannot_be_read_is_refused_as_ever(tiny_text_folder, tmp_path):
    encoder = make(tiny_text_folder, with_tokenizer=False)
    keep_means(encoder, tmp_path)
    assert encoder.means([]).shape == (0, encoder.hidden_size)
    with pytest.raises(InputError, match="this model has no text tokenizer"):
        encoder.means(["Kinase"])
    encoder = make(tiny_text_folder)
    keep_means(encoder, tmp_path)
    with pytest.raises(InputError, match="text '' has no words"):
        encoder.means(["Kinase", ""])


def test_a_cut_text_is_counted_once(tiny_text_folder, tmp_path):
    encoder = make(tiny_text_folder)
    keep_means(encoder, tmp_path)
    long = "cell " * encoder.max_tokens
    assert torch.equal(encoder.means([long, "a"])[0], encoder.means([long])[0])
    assert encoder.truncated == 1
