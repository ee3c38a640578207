"""Small ESM-2 weights in fair-esm's own file format, and models on the tiny encoders."""

from argparse import Namespace

import esm
import pytest
import torch

from protclip_td.models.protclip import ProtCLIP


@pytest.fixture(scope="session")
def fair_esm_model():
    """fair-esm's ESM-2 with random weights: 2 layers x 32, 4 heads."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = esm.model.esm2.ESM2(num_layers=2, embed_dim=32, attention_heads=4)
        for parameter in model.parameters():
            # LayerNorms of ones and biases of zeros would hide a mix-up of names.
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


@pytest.fixture(scope="session")
def fair_esm_file(fair_esm_model, tmp_path_factory):
    """These weights as fair-esm publishes ESM-2: a `.pt` file with a Namespace and prefixes."""
    settings = Namespace(
        encoder_layers=2, encoder_embed_dim=32, encoder_attention_heads=4, token_dropout=True
    )
    tensors = {
        ("encoder." if name.startswith("lm_head") else "encoder.sentence_encoder.") + name: tensor
        for name, tensor in fair_esm_model.state_dict().items()
        if not name.startswith("contact_head")
    }
    path = tmp_path_factory.mktemp("fair_esm") / "esm2_t2_tiny_UR50D.pt"
    torch.save({"cfg": {"model": settings}, "model": tensors}, path)
    return str(path)


@pytest.fixture
def tiny_model(tiny_protein_folder, tiny_text_folder):
    """ProtCLIP on the tiny encoders, 16 wide."""
    return ProtCLIP(tiny_protein_folder, tiny_text_folder, projection_dim=16, num_prototype=8)
