"""The frozen text encoder: real tokens, nothing of the neighbours, and what it keeps."""

import logging
import pickle
from unittest.mock import Mock

import pytest
import torch

from protclip_td.errors import InputError
from protclip_td.models.text_cache import TextCache
from protclip_td.models.text_encoder import TextEncoder
from protclip_td.models.weights import text_model

TEXTS = ["PROTEIN NAME: Kinase.", "FUNCTION: binding of the cell membrane", "a", "Kinase"]


@pytest.fixture
def encoder(tiny_text_folder):
    model, tokenizer, _ = text_model(tiny_text_folder)
    return TextEncoder(model, tokenizer, cache_mb=1)


def test_states_are_those_of_bert_at_the_real_tokens(encoder):
    states, sizes = encoder.token_states(TEXTS)
    for text, part in zip(TEXTS, states.split(sizes.tolist())):
        batch = encoder.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            expected = encoder.model(**batch).last_hidden_state[0, 1:-1]
        torch.testing.assert_close(part, expected, atol=1e-6, rtol=0)
        assert len(part) == len(encoder.tokenizer.tokenize(text))


def test_means_are_means_over_real_tokens(encoder):
    states, sizes = encoder.token_states(TEXTS)
    expected = torch.stack([part.mean(0) for part in states.split(sizes.tolist())])
    assert torch.equal(encoder.means(TEXTS), expected)


def test_a_text_is_the_same_to_the_last_bit_whatever_else_is_in_the_call(encoder):
    together, sizes = encoder.token_states(TEXTS)
    encoder.clear_cache()
    for text, part in reversed(list(zip(TEXTS, together.split(sizes.tolist())))):
        assert torch.equal(encoder.token_states([text])[0], part)


def test_in_groups_the_means_take_fewer_passes_and_are_the_same_but_for_rounding(
    encoder, monkeypatch
):
    texts = [f"{word} {number}" for word in ("cell", "a cell membrane") for number in range(9)]
    alone = torch.cat([encoder.means([text]) for text in texts])
    encoder.clear_cache()
    with monkeypatch.context() as patch:
        patch.setattr(encoder, "padded_states", Mock(wraps=encoder.padded_states))
        found = encoder.means_in_groups(texts)
        assert encoder.padded_states.call_count == 2
    torch.testing.assert_close(found, alone, atol=1e-6, rtol=1e-5)
    assert encoder.means_in_groups([]).shape == (0, 24)
    # What comes of groups is not kept, so `means` keeps its promise.
    assert torch.equal(encoder.means(texts), alone)


def test_kept_and_new_results_are_the_same(encoder, monkeypatch):
    first = encoder.token_states([*TEXTS, TEXTS[0]])[0]
    means = encoder.means(TEXTS)
    monkeypatch.setattr(encoder.model, "forward", None)  # what is kept is not computed again
    assert torch.equal(encoder.token_states([*TEXTS, TEXTS[0]])[0], first)
    assert torch.equal(encoder.means(TEXTS), means)


def test_loading_weights_forgets_what_the_former_ones_gave(encoder):
    holder = torch.nn.ModuleDict({"text": encoder})
    before = encoder.means(TEXTS)
    other = {name: tensor + 0.1 for name, tensor in holder.state_dict().items()}
    holder.load_state_dict(other)
    assert not torch.allclose(encoder.means(TEXTS), before)


def test_loading_weights_into_bert_alone_forgets_them_too(encoder):
    before, states = encoder.means(TEXTS), encoder.token_states(TEXTS)[0]
    bert = encoder.model
    bert.load_state_dict({name: tensor + 0.1 for name, tensor in bert.state_dict().items()})
    assert not torch.allclose(encoder.means(TEXTS), before)
    assert not torch.allclose(encoder.token_states(TEXTS)[0], states)


def test_what_is_kept_is_not_saved(encoder):
    size = len(pickle.dumps(encoder))
    expected = encoder.means(TEXTS)
    assert len(pickle.dumps(encoder)) < size + 2**10 + 200 * len(list(encoder.parameters()))
    assert torch.equal(pickle.loads(pickle.dumps(encoder)).means(TEXTS), expected)


def test_frozen_and_in_evaluation_mode_even_in_training(encoder):
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert not encoder.means(TEXTS).requires_grad


def test_the_step_s_precision_does_not_reach_the_frozen_features(encoder):
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder.means(TEXTS)
    encoder.clear_cache()
    assert torch.equal(half, encoder.means(TEXTS))


def test_long_text_is_cut_counted_and_said_once(encoder, caplog):
    with caplog.at_level(logging.WARNING, "protclip_td.models.text_encoder"):
        _, sizes = encoder.token_states(["a " * 600, "b " * 700, "c"])
    assert sizes.tolist() == [510, 510, 1]
    assert encoder.truncated == 2
    assert len(caplog.records) == 1
    assert "602 tokens is over the text encoder's limit and was cut to 512" in caplog.text
    ids = encoder.token_ids("a " * 600)
    assert ids[-1] == encoder.tokenizer.sep_token_id


def test_no_texts(encoder):
    states, sizes = encoder.token_states([])
    assert states.shape == (0, 24)
    assert sizes.shape == (0,)
    assert encoder.means([]).shape == (0, 24)


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_text_is_refused(encoder, text):
    with pytest.raises(InputError, match=r"text '\s*' has no words; expected a description"):
        encoder.token_states(["fine", text])


def test_tokenizer_of_another_model(encoder):
    encoder.model.config.vocab_size = 30
    assert encoder.token_ids("binding of the membrane")
    with pytest.raises(InputError, match=r"word of number \d+, in text 'x', .* knows 30; give the"):
        encoder.token_ids("x")


def test_without_tokenizer_the_message_says_where_to_put_one(encoder):
    encoder.tokenizer = None
    with pytest.raises(InputError, match=r"no text tokenizer.*vocab\.txt of PubMedBERT"):
        encoder.means(["a"])


def test_cache_keeps_to_its_bytes_and_forgets_the_longest_unused():
    cache = TextCache(max_bytes=12)
    for text in "abc":
        cache.put(text, torch.zeros(1))
    cache.get("a")
    cache.put("d", torch.ones(1))
    assert [text for text in "abcd" if cache.get(text) is not None] == ["a", "c", "d"]
    assert cache.num_bytes == 12
    cache.put("large", torch.zeros(4))
    assert cache.get("large") is None
    assert len(cache) == 3
    cache.put("a", torch.zeros(1))  # again: not counted twice
    assert cache.num_bytes == 12
    cache.clear()
    assert (len(cache), cache.num_bytes) == (0, 0)


def test_a_cache_too_small_for_anything_still_gives_results(tiny_text_folder, encoder):
    model, tokenizer, _ = text_model(tiny_text_folder)
    forgetful = TextEncoder(model, tokenizer, cache_mb=0)
    assert torch.equal(forgetful.means(TEXTS), encoder.means(TEXTS))
