"""The published checkpoint's layout gives the published numbers.

`tests/data/released_tiny` has the layout of the published checkpoint at a small size, with the
outputs of the authors' code on a padded batch and on single proteins.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from protclip_td.errors import InputError
from protclip_td.losses.contrastive import contrastive_loss
from protclip_td.models.protclip import ProtCLIP

FOLDER = Path(__file__).parents[1] / "data" / "released_tiny"


@pytest.fixture(scope="module")
def model():
    return ProtCLIP.from_pretrained(FOLDER).eval()


@pytest.fixture(scope="module")
def expected():
    return {
        name: torch.from_numpy(array) for name, array in np.load(FOLDER / "expected.npz").items()
    }


@pytest.fixture(scope="module")
def sequences():
    return json.loads((FOLDER / "sequences.json").read_text())


def assert_close(found, wanted):
    torch.testing.assert_close(found, wanted.to(found.dtype), atol=1e-5, rtol=0)


def hidden_states(model, expected):
    protein = model.protein_encoder.padded_states(
        expected["protein_input_ids"], expected["protein_attention_mask"].bool()
    )
    text = model.text_encoder.padded_states(
        expected["text_input_ids"], expected["text_attention_mask"].bool()
    )
    return protein, text


@torch.no_grad()
def test_hidden_states_of_the_padded_batch(model, expected):
    protein, text = hidden_states(model, expected)
    assert_close(protein, expected["protein_hidden"])
    assert_close(text, expected["text_hidden"])


@torch.no_grad()
def test_embeddings_and_loss_of_the_padded_batch(model, expected):
    protein, text = hidden_states(model, expected)
    # Means over padding and special tokens, too.
    protein = F.normalize(model.protein_projection(protein.mean(1)), dim=-1)
    text = F.normalize(model.text_projection(text.mean(1)), dim=-1)
    assert_close(protein, expected["batch_protein_embedding"])
    assert_close(text, expected["batch_text_embedding"])
    assert_close(contrastive_loss(protein, text, model.logit_scale), expected["contrastive_loss"])


def test_residue_means_of_single_proteins(model, expected, sequences):
    assert_close(model.protein_features(sequences), expected["single_protein_mean_residues"])


def test_states_are_those_of_the_padded_batch_at_the_residues(model, expected, sequences):
    for states, row in zip(model.residue_features(sequences), expected["protein_hidden"]):
        assert_close(states, row[1 : len(states) + 1])


def test_pooling_all_tokens(expected, sequences):
    model = ProtCLIP.from_pretrained(FOLDER, pooling="all_tokens")
    assert_close(model.encode_protein(sequences), expected["batch_protein_embedding"])
    single = torch.cat([model.protein_features([sequence]) for sequence in sequences])
    assert_close(single, expected["single_protein_mean_all_tokens"])
    with torch.no_grad():
        assert_close(model.protein_projection(single), expected["single_protein_projection"])


def test_texts_need_the_vocabulary_that_is_not_published_with_it(model, tiny_text_folder):
    with pytest.raises(InputError, match=r"the published checkpoint comes without one.*vocab.txt"):
        model.encode_text(["FUNCTION: binding"])
    complete = ProtCLIP.from_pretrained(FOLDER, tokenizer=tiny_text_folder)
    assert complete.encode_text(["a"]).shape == (1, 16)


def test_vocabulary_put_into_the_folder(tmp_path, tiny_text_folder):
    folder = tmp_path / "checkpoint"
    ProtCLIP.from_pretrained(FOLDER).save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "binding", "cell"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    model = ProtCLIP.from_pretrained(folder)
    assert model.text_encoder.token_ids("Cell binding") == [2, 6, 5, 3]
