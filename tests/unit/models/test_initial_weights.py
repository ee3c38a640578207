"""Random weights: drawn as fair-esm draws them, so that residues can be told apart."""

import esm
import pytest
import torch

from protclip_td.models import ProtCLIP
from protclip_td.models.esm_config import esm_config, new_esm
from protclip_td.models.fair_esm import _rename
from protclip_td.models.initial_weights import random_esm

CONFIG = esm_config(2, 160, 8)


def test_spread_of_each_tensor_is_fair_esms():
    theirs = _rename(esm.model.esm2.ESM2(2, 160, 8).state_dict())
    ours = random_esm(CONFIG).state_dict()
    for name, tensor in ours.items():
        expected = theirs[name]
        assert tensor.std() == pytest.approx(expected.std().item(), rel=0.15), name
        assert tensor.mean() == pytest.approx(expected.mean().item(), abs=0.05), name
    assert not ours["embeddings.word_embeddings.weight"][CONFIG.pad_token_id].any()


def mean_cosine(model, sequences):
    """Between the residues of a protein."""
    found = []
    for residues in model.residue_features(sequences):
        unit = torch.nn.functional.normalize(residues, dim=-1)
        found.append((unit @ unit.T).mean())
    return torch.stack(found).mean()


def test_residues_of_a_protein_are_not_all_alike(sample_entries, monkeypatch):
    sequences = [entry.sequence[:200] for entry in sample_entries[:4]]
    assert mean_cosine(ProtCLIP("random:ESM-2-8M"), sequences) < 0.45
    # What transformers draws by itself.
    monkeypatch.setattr("protclip_td.models.weights.random_esm", new_esm)
    assert mean_cosine(ProtCLIP("random:ESM-2-8M"), sequences) > 0.9
