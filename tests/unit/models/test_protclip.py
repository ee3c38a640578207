"""ProtCLIP as a TorchDrug model and from Python."""

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torchdrug import core, tasks
from torchdrug.data import Protein

from protclip_td.data.proteins import to_protein
from protclip_td.errors import InputError
from protclip_td.models.protclip import ProtCLIP
from protclip_td.models.protein_encoder import letter_tokens

SEQUENCES = ["MKTAYIAKQRXBZUO", "MW", "GAVLIPFMWSTCYNQDEKRH" * 6, "MKTAYIAKQRQISFV"]
TEXTS = ["PROTEIN NAME: Kinase.", "FUNCTION: binding of the cell membrane", "a"]


@pytest.fixture
def graph():
    return Protein.pack([to_protein(sequence) for sequence in SEQUENCES])


def test_forward_is_aligned_to_the_graph(tiny_model, graph):
    output = tiny_model(graph, graph.residue_feature.float())
    assert output["residue_feature"].shape == (graph.num_residue, tiny_model.node_output_dim)
    assert output["graph_feature"].shape == (4, tiny_model.output_dim)
    features = tiny_model.residue_features(SEQUENCES)
    torch.testing.assert_close(output["residue_feature"], torch.cat(features))
    torch.testing.assert_close(output["graph_feature"], tiny_model.protein_features(SEQUENCES))


def test_forward_of_a_single_protein(tiny_model):
    output = tiny_model(to_protein("MKTAYIAK"), None)
    assert output["residue_feature"].shape == (8, 32)
    assert output["graph_feature"].shape == (1, 32)


def test_readout_projection(tiny_protein_folder, tiny_text_folder, graph):
    model = ProtCLIP(tiny_protein_folder, tiny_text_folder, readout="projection", projection_dim=16)
    feature = model(graph, None)["graph_feature"]
    assert feature.shape == (4, model.output_dim) == (4, 16)
    unit = F.normalize(feature, dim=-1)
    torch.testing.assert_close(unit, model.encode_protein(SEQUENCES))


def test_letters_torchdrug_does_not_know_reach_the_encoder(tiny_model):
    features = tiny_model.protein_features(["MKX", "MKU", "MKG"])
    assert (features[0] - features[2]).abs().max() > 1e-3
    assert (features[0] - features[1]).abs().max() > 1e-3


def test_graph_without_letters_uses_its_residue_types(tiny_model):
    protein = to_protein("ACDEFGHIKLMNPQRSTVWY")
    bare = Protein(
        edge_list=None, atom_type=[], bond_type=[], num_node=0, residue_type=protein.residue_type
    )
    assert torch.equal(tiny_model.residue_tokens(bare), tiny_model.residue_tokens(protein))


def test_a_task_that_masks_residues_hides_them_from_the_encoder(tiny_model, graph):
    """TorchDrug's task changes residue types, and asks for those that were there."""
    task = tasks.AttributeMasking(tiny_model, mask_rate=0.5)
    task.preprocess([{"graph": graph[0]}], None, None)
    seen = []
    tiny_model.protein_encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    shown = tiny_model.residue_tokens(graph)
    torch.manual_seed(0)
    _, target = task.predict_and_target({"graph": graph})
    glycine = letter_tokens(torch.tensor([ord("G")]))
    hidden = seen[0] != shown
    assert (seen[0][hidden] == glycine).all()
    asked = (target != Protein.residue_symbol2id["G"]).sum()  # some of them twice
    assert 0.5 * asked < hidden.sum() <= asked


def test_encode_gives_unit_rows_in_input_order(tiny_model):
    embeddings = tiny_model.encode_protein(SEQUENCES, batch_size=2)
    assert embeddings.dtype == torch.float32
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(4))
    for sequence, row in zip(SEQUENCES, embeddings):
        alone = tiny_model.encode_protein([sequence])[0]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=0)
    texts = tiny_model.encode_text(TEXTS, batch_size=1)
    torch.testing.assert_close(texts, tiny_model.encode_text(TEXTS))
    torch.testing.assert_close(texts.norm(dim=-1), torch.ones(3))


def test_a_very_long_protein(tiny_model):
    """Every residue has a feature, and all of them make the mean."""
    features = tiny_model.residue_features(["MK" * 600, "MK"])
    assert [tuple(part.shape) for part in features] == [(1200, 32), (2, 32)]
    assert {part.dtype for part in features} == {torch.float32}
    means = torch.stack([part.mean(0) for part in features])
    torch.testing.assert_close(tiny_model.protein_features(["MK" * 600, "MK"]), means)
    assert tiny_model.encode_protein(["MK" * 600]).isfinite().all()


def test_nothing_to_encode(tiny_model):
    assert tiny_model.encode_protein([]).shape == (0, 16)
    assert tiny_model.encode_text([]).shape == (0, 16)
    assert tiny_model.residue_features([]) == []


@pytest.mark.parametrize("training", [True, False])
def test_encoding_leaves_the_mode_and_no_gradient(tiny_model, training):
    tiny_model.train(training)
    assert not tiny_model.encode_protein(SEQUENCES).requires_grad
    assert tiny_model.training is training
    assert tiny_model.protein_encoder.training is training
    assert tiny_model.protein_projection.training is training


def test_encoding_leaves_the_mode_of_each_part(tiny_model):
    """An encoder that is fixed in a model that trains stays in evaluation mode."""
    tiny_model.train()
    tiny_model.protein_encoder.eval()
    tiny_model.encode_protein(SEQUENCES)
    assert not any(module.training for module in tiny_model.protein_encoder.modules())
    assert tiny_model.protein_projection.training


def test_encoding_runs_in_evaluation_mode(tiny_model):
    """Dropout, which some ESM-2 are trained with, has no say."""
    for layer in tiny_model.protein_encoder.model.encoder.layer:
        layer.output.dropout.p = 0.5
    tiny_model.train()
    first = tiny_model.residue_features(SEQUENCES)
    assert all(map(torch.equal, first, tiny_model.residue_features(SEQUENCES)))


def test_encoding_is_float32_inside_autocast(tiny_model):
    expected = tiny_model.encode_text(TEXTS)
    with torch.autocast("cpu", torch.bfloat16):
        protein, text = tiny_model.encode_protein(SEQUENCES), tiny_model.encode_text(TEXTS)
    assert protein.dtype == text.dtype == torch.float32
    assert torch.equal(text, expected)


def test_encoding_goes_from_the_longest_to_the_shortest(tiny_model, monkeypatch):
    """So that proteins of a batch pad each other little, and memory runs out at once or never."""
    seen = []
    run = tiny_model.protein_encoder.forward
    monkeypatch.setattr(
        tiny_model.protein_encoder,
        "forward",
        lambda tokens, sizes: seen.extend(sizes.tolist()) or run(tokens, sizes),
    )
    tiny_model.encode_protein(SEQUENCES, batch_size=2)
    assert seen == sorted(map(len, SEQUENCES), reverse=True)


def test_duplicates_are_encoded_alike(tiny_model):
    embeddings = tiny_model.encode_protein(["MKTAYIAK", "MW", "MKTAYIAK"])
    torch.testing.assert_close(embeddings[0], embeddings[2])
    assert not torch.allclose(embeddings[0], embeddings[1])


@pytest.mark.parametrize("method", ["encode_protein", "encode_text", "residue_features"])
def test_batch_size_out_of_range(tiny_model, method):
    with pytest.raises(InputError, match="batch_size: -1 given; expected a number above 0"):
        getattr(tiny_model, method)(["MK"], batch_size=-1)
    for batch_size in (2.5, "8"):
        message = f"batch_size: {batch_size!r} given; expected a whole number"
        with pytest.raises(InputError, match=message):
            getattr(tiny_model, method)(["MK"], batch_size=batch_size)


def test_all_tokens_depends_on_the_padded_batch(tiny_protein_folder, tiny_text_folder):
    """That is what the released code does, and why it is not the default."""
    model = ProtCLIP(tiny_protein_folder, tiny_text_folder, projection_dim=16, pooling="all_tokens")
    together, alone = model.encode_protein(SEQUENCES), model.encode_protein(SEQUENCES[:1])
    assert (together[:1] - alone).abs().max() > 1e-3
    ids = [model.text_encoder.token_ids(text) for text in TEXTS]
    width = max(map(len, ids))
    padded = torch.tensor([row + [0] * (width - len(row)) for row in ids])
    with torch.no_grad():
        means = model.text_encoder.padded_states(padded, padded != 0).mean(1)
        text = F.normalize(model.text_projection(means), dim=-1)
    torch.testing.assert_close(model.encode_text(TEXTS), text, atol=1e-6, rtol=0)


def test_bar_on_long_lists_only(tiny_model, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    tiny_model.encode_protein(["MK"] * 4)
    assert capsys.readouterr().err == ""
    tiny_model.encode_protein(["MK"] * 600, batch_size=300)
    assert "600/600" in capsys.readouterr().err


def test_config_round_trip(tiny_protein_folder, tiny_text_folder):
    config = {
        "class": "ProtCLIP",
        "protein_encoder": tiny_protein_folder,
        "text_encoder": tiny_text_folder,
        "projection_dim": 16,
        "readout": "projection",
        "gradient_checkpointing": True,
        "tokens_per_pass": 512,
    }
    model = core.Configurable.load_config_dict(config)
    assert config.items() - {("class", "ProtCLIP")} <= model.config_dict().items()
    again = core.Configurable.load_config_dict(model.config_dict())
    assert again.config_dict() == model.config_dict()
    assert again.protein_encoder.gradient_checkpointing
    assert again.protein_encoder.tokens_per_pass == 512


def test_initial_scales(tiny_model):
    assert tiny_model.logit_scale.item() == pytest.approx(math.log(1 / 0.07))
    assert tiny_model.local_logit_scale.item() == pytest.approx(math.log(1 / 0.1))


def test_describe_counts_every_parameter(tiny_model, tiny_protein_folder):
    parts = tiny_model.describe()
    assert [(part.name, part.trained) for part in parts] == [
        ("protein encoder", True),
        ("text encoder", False),
        ("heads", True),
    ]
    total = sum(parameter.numel() for parameter in tiny_model.parameters())
    assert sum(part.num_parameter for part in parts) == total
    assert parts[0].source == f"weights of {tiny_protein_folder}"
    assert parts[2].source == "random initial weights"


def test_without_text_side_it_is_a_plain_encoder(tiny_protein_folder, graph):
    model = ProtCLIP(tiny_protein_folder)
    assert [part.name for part in model.describe()] == ["protein encoder"]
    assert model(graph, None)["graph_feature"].shape == (4, 32)
    with pytest.raises(InputError, match=r"encode_text needs the shared space.*no text_encoder"):
        model.encode_text(TEXTS)


def test_deepcopy_is_independent(tiny_model, graph):
    copied = copy.deepcopy(tiny_model)
    before = tiny_model(graph, None)["graph_feature"]
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(0.1)
    torch.testing.assert_close(tiny_model(graph, None)["graph_feature"], before)
    assert not torch.allclose(copied(graph, None)["graph_feature"], before)


def test_a_saved_model_is_the_same(tiny_model, tmp_path):
    expected = tiny_model.encode_protein(["MKT"]), tiny_model.encode_text(TEXTS)
    torch.save(tiny_model, tmp_path / "model.pt")
    for model in (
        torch.load(tmp_path / "model.pt", weights_only=False),
        pickle.loads(pickle.dumps(tiny_model)),
    ):
        assert torch.equal(model.encode_protein(["MKT"]), expected[0])
        assert torch.equal(model.encode_text(TEXTS), expected[1])


def test_a_protein_without_residues_is_named(tiny_model):
    proteins = Protein.pack([to_protein(sequence) for sequence in ("MKT", "", "MW", "")])
    with pytest.raises(InputError, match=r"protein 1 of the batch .* has no residues"):
        tiny_model(proteins, None)


def test_sources_may_be_paths(tiny_protein_folder, tiny_text_folder):
    given = {
        "protein_encoder": tiny_protein_folder,
        "text_encoder": tiny_text_folder,
        "tokenizer": tiny_text_folder,
    }
    model = ProtCLIP(**{name: Path(folder) for name, folder in given.items()})
    assert model.sources == ProtCLIP(**given).sources
    assert model.config_dict() == ProtCLIP(**given).config_dict()
    assert ProtCLIP(Path("random:ESM-2-8M")).node_output_dim == 320


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("pooling", ["residues", "all_tokens"])
def test_weights_of_another_precision_give_the_same_embeddings(tiny_model, precision, pooling):
    tiny_model.pooling = pooling
    expected = tiny_model.encode_protein(SEQUENCES), tiny_model.encode_text(TEXTS)
    model = copy.deepcopy(tiny_model).to(precision)
    found = model.encode_protein(SEQUENCES), model.encode_text(TEXTS)
    for rows, others in zip(found, expected):
        assert rows.dtype == torch.float32
        tolerance = 1e-5 if precision == torch.float64 else 0.03
        torch.testing.assert_close(rows, others, atol=tolerance, rtol=0)
        torch.testing.assert_close(rows.norm(dim=-1), torch.ones(len(rows)))
    assert model.residue_features(["MKT"])[0].dtype == torch.float32


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("readout", ["mean", "projection"])
def test_features_are_of_the_weights_precision(tiny_model, graph, readout, precision):
    tiny_model.readout = readout
    expected = tiny_model(graph, None)["graph_feature"]
    found = copy.deepcopy(tiny_model).to(precision)(graph, None)["graph_feature"]
    assert found.dtype == precision
    tolerance = 1e-5 if precision == torch.float64 else 0.03
    assert (found - expected).norm() < tolerance * expected.norm()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"needs a protein_encoder, such as 'random:ESM-2-8M', or a checkpoint"),
        (
            {"checkpoint": "a", "protein_encoder": "b"},
            r"^checkpoint 'a' and protein_encoder 'b' given; expected either a checkpoint.* or the",
        ),
        (
            {"checkpoint": "a", "text_encoder": "c"},
            r"^checkpoint 'a' and text_encoder 'c' given; expected either",
        ),
        (
            {"protein_encoder": "b", "readout": "sum"},
            r"readout: 'sum' given.*one of mean, projection",
        ),
        (
            {"protein_encoder": "b", "pooling": "max"},
            r"pooling: 'max' given.*one of residues, all_tok",
        ),
        ({"projection_dim": 0}, "projection_dim: 0 given; expected a number above 0"),
        ({"num_prototype": -1}, "num_prototype: -1 given; expected a number above 0"),
        ({"tokens_per_pass": 0}, "tokens_per_pass: 0 given; expected a number above 0"),
        ({"projection_dim": 12.5}, "projection_dim: 12.5 given; expected a whole number"),
        ({"num_prototype": 12.5}, "num_prototype: 12.5 given; expected a whole number"),
        ({"tokens_per_pass": "64"}, "tokens_per_pass: '64' given; expected a whole number"),
        ({"text_cache_mb": -1}, "text_cache_mb: -1 given; expected 0 or above"),
        ({"text_cache_mb": "1"}, "text_cache_mb: '1' given; expected a number"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(InputError, match=message):
        ProtCLIP(**options)


def test_projection_without_text_side(tiny_protein_folder):
    with pytest.raises(InputError, match=r"readout 'projection' needs the shared space"):
        ProtCLIP(tiny_protein_folder, readout="projection")


def test_a_bare_string_is_no_list(tiny_model):
    with pytest.raises(InputError, match=r"expected a list of sequences; .* write \['MKT'\]"):
        tiny_model.encode_protein("MKT")
    with pytest.raises(InputError, match=r"expected a list of texts; .* write \['a text'\]"):
        tiny_model.encode_text("a text")


def test_strings_may_come_one_by_one(tiny_model):
    given = ["MKT", "GAVLIPF"]
    expected = tiny_model.encode_protein(given)
    assert torch.equal(tiny_model.encode_protein(s for s in given), expected)
    assert [len(states) for states in tiny_model.residue_features(iter(given))] == [3, 7]
    assert torch.equal(tiny_model.encode_text(iter(["cell"])), tiny_model.encode_text(["cell"]))


def test_what_is_no_string_is_named(tiny_model):
    with pytest.raises(InputError, match="sequence 1 is None; expected a string"):
        tiny_model.encode_protein(["MKT", None])
    with pytest.raises(InputError, match="text 0 is None; expected a string"):
        tiny_model.encode_text([None])
    with pytest.raises(InputError, match="None given; expected a list of texts"):
        tiny_model.encode_text(None)


def test_letters_that_are_no_residues(tiny_model):
    with pytest.raises(InputError, match=r"sequence 1: letters '\*' are no residues"):
        tiny_model.protein_features(["MK", "MK*"])


def test_works_when_transformers_was_imported_first(tiny_protein_folder, tiny_text_folder):
    """TorchDrug puts its own class in place of `nn.Module`; the other order is all other tests."""
    script = f"""
from transformers import BertModel, EsmModel
from protclip_td.models import ProtCLIP
model = ProtCLIP({tiny_protein_folder!r}, {tiny_text_folder!r}, projection_dim=16)
assert model.encode_protein(["MKT"]).shape == (1, 16)
assert model.encode_text(["cell"]).shape == (1, 16)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
