"""The protein encoder against fair-esm, TorchDrug and transformers, and its invariances."""

import copy

import esm
import pytest
import torch
from torchdrug import models
from torchdrug.data import Protein

from protclip_td.data.proteins import to_protein
from protclip_td.data.residues import RESIDUE_LETTERS
from protclip_td.models.esm import MASK_ID, rotations
from protclip_td.models.packing import cut_windows, plan_pieces
from protclip_td.models.protein_encoder import (
    TOKENS_PER_PASS,
    ProteinEncoder,
    letter_tokens,
    sequence_tokens,
)
from protclip_td.models.weights import protein_model

# The two of 15 residues fill a piece without padding, the last three share one with padding.
SEQUENCES = [
    "MKTAYIAKQRXBZUO",
    "MW",
    "GAVLIPFMWSTCYNQDEKRH" * 9,
    "MKTAYIAKQRQISFV",
    "ACDEFGHIKL" * 18,
    "MKTAYIAKQR" * 18 + "ISF",
]


@pytest.fixture(scope="module")
def encoder(fair_esm_file):
    return ProteinEncoder(protein_model(fair_esm_file)[0]).eval()


def pack(sequences):
    sizes = torch.tensor([len(sequence) for sequence in sequences])
    return torch.cat([sequence_tokens(sequence) for sequence in sequences]), sizes


@torch.no_grad()
def fair_esm_states(model, tokens):
    """fair-esm's states at the residues of one protein."""
    padded = torch.cat([torch.tensor([0]), tokens, torch.tensor([2])]).unsqueeze(0)
    layer = model.num_layers
    return model(padded, repr_layers=[layer])["representations"][layer][0, 1:-1]


def test_some_of_the_proteins_share_a_piece_with_padding_and_some_without():
    pieces = plan_pieces([len(sequence) for sequence in SEQUENCES], TOKENS_PER_PASS)
    lengths = [piece.lengths.tolist() for piece in pieces]
    assert lengths == [[185, 182, 182], [17, 17], [4]]


def test_tokens_are_those_of_fair_esm():
    alphabet = esm.data.Alphabet.from_architecture("ESM-1b")
    expected = [alphabet.get_idx(letter) for letter in RESIDUE_LETTERS]
    assert sequence_tokens(RESIDUE_LETTERS).tolist() == expected
    assert alphabet.mask_idx == MASK_ID
    assert letter_tokens(torch.tensor([ord("*")])).tolist() == [alphabet.unk_idx]


def test_equals_fair_esm_with_all_letters_and_lengths_in_one_call(encoder, fair_esm_model):
    tokens, sizes = pack(SEQUENCES)
    states = encoder(tokens, sizes)
    expected = [fair_esm_states(fair_esm_model, part) for part in tokens.split(sizes.tolist())]
    torch.testing.assert_close(states, torch.cat(expected), atol=1e-4, rtol=0)


def test_equals_fair_esm_with_masks(encoder, fair_esm_model):
    """ESM-2 scales embeddings by the share of masks, which is each protein's own."""
    tokens, sizes = pack(SEQUENCES)
    tokens = torch.where(torch.rand(len(tokens)) < 0.3, MASK_ID, tokens)
    expected = [fair_esm_states(fair_esm_model, part) for part in tokens.split(sizes.tolist())]
    torch.testing.assert_close(encoder(tokens, sizes), torch.cat(expected), atol=1e-4, rtol=0)


def test_equals_torchdrugs_esm(encoder, fair_esm_model, monkeypatch, tmp_path):
    def load_weight(self, path, model):
        return copy.deepcopy(fair_esm_model), fair_esm_model.alphabet

    monkeypatch.setattr(models.ESM, "load_weight", load_weight)
    monkeypatch.setattr(models.ESM, "num_layer", {"ESM-2-8M": 2})
    torchdrug_model = models.ESM(str(tmp_path), model="ESM-2-8M").eval()
    graph = Protein.pack([to_protein(sequence) for sequence in SEQUENCES[1:]])
    with torch.no_grad():
        expected = torchdrug_model(graph, None)["residue_feature"]
    states = encoder(letter_tokens(graph.residue_letter), graph.num_residues)
    torch.testing.assert_close(states, expected, atol=1e-4, rtol=0)


def test_equals_transformers_own_forward(tiny_protein_folder):
    encoder = ProteinEncoder(protein_model(tiny_protein_folder)[0]).eval()
    ids = torch.randint(4, 24, (3, 40))
    mask = torch.arange(40) < torch.tensor([[40], [31], [5]])
    ids[0, 3] = MASK_ID
    ids = ids.masked_fill(~mask, 1)
    expected = encoder.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(encoder.padded_states(ids, mask), expected, atol=1e-5, rtol=0)


def test_a_protein_does_not_depend_on_the_others_nor_on_order(encoder):
    tokens, sizes = pack(SEQUENCES)
    together = encoder(tokens, sizes).split(sizes.tolist())
    order = [3, 0, 5, 4, 2, 1]
    reordered = encoder(*pack([SEQUENCES[i] for i in order]))
    expected = torch.cat([together[i] for i in order])
    torch.testing.assert_close(reordered, expected, atol=1e-5, rtol=0)
    for sequence, states in zip(SEQUENCES, together):
        alone = encoder(*pack([sequence]))
        torch.testing.assert_close(alone, states, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tokens_per_pass", [16, 100, 10000])
def test_tokens_per_pass_changes_nothing(encoder, tokens_per_pass):
    tokens, sizes = pack(SEQUENCES)
    other = ProteinEncoder(encoder.model, tokens_per_pass=tokens_per_pass).eval()
    torch.testing.assert_close(other(tokens, sizes), encoder(tokens, sizes), atol=1e-5, rtol=0)


def test_long_protein_takes_its_states_from_windows(encoder):
    tokens = torch.randint(4, 24, (1500,))
    states = encoder(tokens, torch.tensor([1500]))
    for start, size, keep_from, keep_to in cut_windows(1500):
        window = encoder(tokens[start : start + size], torch.tensor([size]))
        kept = slice(start + keep_from, start + keep_to)
        torch.testing.assert_close(states[kept], window[keep_from:keep_to], atol=1e-5, rtol=0)


def test_nothing_gives_nothing(encoder):
    empty = torch.empty(0, dtype=torch.long)
    assert encoder(empty, empty).shape == (0, 32)
    assert encoder(empty, torch.tensor([0])).shape == (0, 32)


def test_checkpointing_gives_the_same_states_and_gradients(encoder):
    tokens, sizes = pack(SEQUENCES)
    plain = copy.deepcopy(encoder).train()
    frugal = copy.deepcopy(encoder).train()
    frugal.gradient_checkpointing = True
    kept = {}
    for name, model in (("plain", plain), ("frugal", frugal)):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, saved=saved: saved.append(tensor.nbytes) or tensor, lambda tensor: tensor
        ):
            states = model(tokens, sizes)
        states.square().sum().backward()
        kept[name] = (states.detach(), sum(saved))
    assert torch.equal(kept["plain"][0], kept["frugal"][0])
    assert kept["frugal"][1] < kept["plain"][1] / 3
    for one, other in zip(plain.parameters(), frugal.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


def test_every_weight_gets_a_gradient(encoder):
    model = copy.deepcopy(encoder).train()
    model(*pack(SEQUENCES)).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_states_are_float32_under_autocast(encoder):
    tokens, sizes = pack(SEQUENCES)
    with torch.autocast("cpu", torch.bfloat16):
        states = encoder(tokens, sizes)
    assert states.dtype == torch.float32
    difference = (states - encoder(tokens, sizes)).norm() / states.norm()
    assert 0 < difference < 0.05


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_another_precision_give_the_same_states(encoder, precision):
    tokens, sizes = pack(["MKTAYIAKQR" * 60, *SEQUENCES])
    tokens[3] = MASK_ID
    other = copy.deepcopy(encoder).to(precision)
    states, expected = other(tokens, sizes), encoder(tokens, sizes)
    assert states.dtype == other(tokens[:0], sizes[:0]).dtype == precision
    tolerance = 1e-5 if precision == torch.float64 else 0.03
    assert (states - expected).norm() < tolerance * expected.norm()


def test_rounded_weights_do_not_round_the_places(encoder):
    rounded = copy.deepcopy(encoder).bfloat16()
    for found, expected in zip(rotations(rounded.model, 1000), rotations(encoder.model, 1000)):
        assert torch.equal(found, expected)
