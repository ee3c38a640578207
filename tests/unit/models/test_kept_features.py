"""A fixed encoder is asked once per protein, and says the same as ever."""

import pickle

import pytest
import torch
from torchdrug.data import Protein, graph_collate
from torchdrug.models import ProteinBERT, ProteinCNN, ProteinLSTM, ProteinResNet

from protclip_td.building.parameters import freeze
from protclip_td.data.proteins import to_protein
from protclip_td.models import ProtCLIP
from protclip_td.models.feature_file import FeatureFolder
from protclip_td.models.kept_features import keep_features
from protclip_td.models.kept_proteins import protein_keys, with_precision
from protclip_td.models.state_features import model_digest

SEQUENCES = ["MKTAYIAKQR", "GAVLIPF", "MKTAYIAKQR", "MKTXYIAKQR", "MKTGYIAKQR"]


def pack(sequences):
    return graph_collate([{"graph": to_protein(sequence)} for sequence in sequences])["graph"]


def ask(model, sequences, **options):
    graph = pack(sequences)
    return model(graph, graph.node_feature.float(), **options)["graph_feature"]


@pytest.fixture
def model(tiny_protein_folder):
    model = ProtCLIP(protein_encoder=tiny_protein_folder)
    freeze(model)
    return model


def test_same_features_as_without(model, tmp_path):
    expected = ask(model, SEQUENCES)
    kept = keep_features(model, tmp_path).features
    torch.testing.assert_close(ask(model, SEQUENCES), expected)
    assert (kept.num_computed, kept.num_found) == (4, 1)  # one of them stands there twice
    assert not torch.equal(expected[0], expected[3])  # X is no glycine
    again = ask(model, [*SEQUENCES[::-1], "MNIFEML"])
    torch.testing.assert_close(again[:5], expected.flip(0))
    assert (kept.num_computed, kept.num_found) == (5, 6)


def test_the_next_run_finds_what_this_one_has_kept(model, tiny_protein_folder, tmp_path):
    keep_features(model, tmp_path)
    expected = ask(model, SEQUENCES)
    other = ProtCLIP(protein_encoder=tiny_protein_folder)
    freeze(other)
    kept = keep_features(other, tmp_path)
    kept.compute = None  # not even to see whether it minds the others
    assert torch.equal(ask(other, SEQUENCES), expected)
    assert kept.features.num_computed == 0


def test_other_weights_or_settings_are_another_model(model, released_folder_projection, tmp_path):
    name = model_digest(model)
    assert name == model_digest(model)
    with torch.no_grad():
        next(model.parameters())[0, 0] += 1e-6
    assert model_digest(model) != name
    mean, projection = released_folder_projection
    assert model_digest(mean) != model_digest(projection)


@pytest.fixture
def released_folder_projection():
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "data" / "released_tiny"
    return [ProtCLIP(checkpoint=str(folder), readout=name) for name in ("mean", "projection")]


def test_loading_other_weights_forgets_the_former(model, tmp_path):
    kept = keep_features(model, tmp_path).features
    before = ask(model, SEQUENCES)
    weights = {key: value + 0.1 for key, value in model.state_dict().items()}
    torch.nn.ModuleDict({"model": model}).load_state_dict(
        {f"model.{key}": value for key, value in weights.items()}
    )
    after = ask(model, SEQUENCES)
    assert not torch.allclose(before, after)
    assert kept.num_computed == 8
    assert len(list(tmp_path.iterdir())) == 2


def test_loading_other_weights_into_a_part_forgets_the_former(model, tmp_path):
    keep_features(model, tmp_path)
    before = ask(model, SEQUENCES)
    encoder = model.protein_encoder
    encoder.load_state_dict({key: value + 0.1 for key, value in encoder.state_dict().items()})
    assert not torch.allclose(ask(model, SEQUENCES), before)


def test_a_saved_model_goes_on_keeping(model, tmp_path):
    keep_features(model, tmp_path)
    expected = ask(model, SEQUENCES)
    again = pickle.loads(pickle.dumps(model))
    assert torch.equal(ask(again, SEQUENCES), expected)
    assert again.forward.features.num_found == 1 + 5
    torch.testing.assert_close(ask(again, ["MKT"]), ask(model, ["MKT"]))


def test_keys_tell_residues_features_and_precision_apart():
    graph = pack(SEQUENCES)
    features = graph.node_feature.float()
    keys = protein_keys(graph, features)
    assert len(set(keys)) == 4
    assert keys[0] == keys[2] == protein_keys(pack(SEQUENCES[2:3]), features[17:27])[0]
    assert keys[3] != keys[4]  # X and G are one residue type, and two letters
    assert set(keys).isdisjoint(protein_keys(graph, 2 * features))
    in_precision = [with_precision(keys, "cpu")]
    assert in_precision == [keys]
    for precision in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=precision):
            in_precision.append(with_precision(keys, "cpu"))
    assert len({key for found in in_precision for key in found}) == 3 * 4


def test_encoders_of_torchdrug(tmp_path):
    model = ProteinBERT(21, 8, num_layers=1, num_heads=2)
    freeze(model)
    expected = ask(model, SEQUENCES)
    kept = keep_features(model, tmp_path).features
    for _ in range(2):
        torch.testing.assert_close(ask(model, SEQUENCES), expected)
    assert kept.num_found == 6


class Means(torch.nn.Module):
    """An encoder that reads the residues' features and nothing else."""

    output_dim = 21

    def forward(self, graph, input, all_loss=None, metric=None):
        means = [part.mean(0) for part in input.split(graph.num_residues.tolist())]
        return {"graph_feature": torch.stack(means)}


def test_a_new_protein_among_known_ones_has_its_own_features(tmp_path):
    model, sequences = Means(), ["MKTAYIAKQR", "GAVLIPF", "WWYHH"]
    expected = ask(model, sequences)
    kept = keep_features(model, tmp_path).features
    ask(model, [sequences[0], sequences[2]])
    assert torch.equal(ask(model, sequences), expected)
    assert (kept.num_computed, kept.num_found) == (3, 2)


def test_a_protein_that_stands_there_twice_has_its_own_features(tmp_path):
    model, sequences = Means(), ["MKTAYIAKQR", "GAVLIPF", "MKTAYIAKQR"]
    expected = ask(model, sequences)
    keep_features(model, tmp_path)
    assert torch.equal(ask(model, sequences), expected)


def test_other_precision_is_asked_again(model, tmp_path):
    kept = keep_features(model, tmp_path).features
    full = ask(model, SEQUENCES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = ask(model, SEQUENCES)
    assert not torch.equal(rounded, full)
    assert torch.equal(ask(model, SEQUENCES), full)
    assert kept.num_computed == 8


def test_a_disk_that_takes_nothing_changes_no_feature(model, tmp_path, monkeypatch):
    expected = ask(model, SEQUENCES)
    monkeypatch.setattr(FeatureFolder, "add", lambda *_: None)
    kept = keep_features(model, tmp_path).features
    for _ in range(2):
        torch.testing.assert_close(ask(model, SEQUENCES), expected)
    assert kept.num_computed == 8


@pytest.mark.parametrize(
    "model",
    [
        ProteinCNN(21, [8], kernel_size=5, padding=2),
        ProteinResNet(21, [8, 8]),
        ProteinLSTM(21, 8, num_layers=1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_that_minds_the_others_in_a_batch_is_asked_each_time(model, tmp_path, caplog):
    freeze(model)
    batches = [["MKTAYIAKQR", "MNIFEMLRID"], SEQUENCES, SEQUENCES[1:2]]
    expected = [ask(model, batch) for batch in batches]
    kept = keep_features(model, tmp_path).features
    for batch, features in zip(batches * 2, expected * 2):
        torch.testing.assert_close(ask(model, batch), features)
    assert kept.num_computed == 2  # of the first batch, where nothing is padded
    said = "what it says about a protein depends on the others in its batch, so nothing is kept"
    assert caplog.text.count(said) == 1


def test_the_smallest_protein_may_stand_anywhere(model, tmp_path, caplog):
    for batch in (SEQUENCES, SEQUENCES[1:], SEQUENCES[::-1]):
        kept = keep_features(model, tmp_path / str(len(batch)) / batch[0])
        ask(model, batch)
        assert kept.features.num_computed == 4
        model.forward = kept.compute
    assert "depends on the others" not in caplog.text


def test_a_protein_with_atoms_is_more_than_its_sequence(model, tmp_path):
    graph = Protein.from_sequence("GAV")  # with atoms and bonds
    graph.view = "residue"
    graph = Protein.pack([graph])
    kept = keep_features(model, tmp_path).features
    assert "residue_feature" in model(graph, graph.node_feature.float())
    assert (kept.num_computed, kept.num_found) == (0, 0)
