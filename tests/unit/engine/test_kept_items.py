"""A protein is made once, and from then on its key takes its place."""

import pytest
import torch
from torch.utils import data as torch_data
from torchdrug import data, tasks, transforms

from protclip_td.building.keeping import keep_encoder_features, keep_items
from protclip_td.building.parameters import freeze
from protclip_td.data.proteins import to_protein
from protclip_td.datasets import ProtAnno, ProteinTable
from protclip_td.models import ProtCLIP
from protclip_td.models.kept_features import keep_features
from protclip_td.models.kept_proteins import KeptProteins, protein_keys
from protclip_td.training.kept_items import KeptItems
from protclip_td.training.loading import BatchIndices, SeededBatches, make_loader

SEQUENCES = ["MKTAYIAKQR", "GAVLIPF", "MKTXYIAKQR", "WWYHHKMNIFEMLRID"]


class Pairs(torch_data.Dataset):
    """Two proteins, a number and two labels; counts what is asked for."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return len(SEQUENCES)

    def __getitem__(self, index):
        self.asked.append(index)
        return {
            "graph1": to_protein(SEQUENCES[index]),
            "graph2": to_protein(SEQUENCES[index - 1]),
            "number": index / 2,
            "targets": torch.tensor([float(index), 1.0]),
        }


def keys_of(sequences):
    pack = data.Protein.pack(list(map(to_protein, sequences)))
    return protein_keys(pack, pack.node_feature.float())


def test_the_second_time_there_are_keys_in_place_of_proteins():
    dataset = Pairs()
    kept = KeptItems(dataset)
    assert len(kept) == 4
    first = kept.get_batch([0, 1, 2, 3])
    assert first["graph1"].num_residues.tolist() == [10, 7, 10, 16]
    expected = data.graph_collate([Pairs()[i] for i in (3, 1)])
    dataset.asked.clear()
    second = kept.get_batch([3, 1])
    assert dataset.asked == []
    assert list(second) == ["number", "targets", "graph1", "graph2"]
    for name in ("number", "targets"):
        assert torch.equal(second[name], expected[name])
        assert second[name].dtype == expected[name].dtype
    assert second["graph1"].keys == keys_of([SEQUENCES[3], SEQUENCES[1]])
    assert second["graph2"].keys == keys_of([SEQUENCES[2], SEQUENCES[0]])
    assert second["graph1"].node_feature.shape == (2, 0)
    whole = second["graph2"].load()
    assert whole.residue_letter.tolist() == expected["graph2"].residue_letter.tolist()
    assert kept[2]["graph1"].num_residue == 10


def test_a_batch_with_a_new_item_has_proteins():
    kept = KeptItems(Pairs())
    kept.get_batch([0, 1])
    assert isinstance(kept.get_batch([1, 2])["graph1"], data.PackedProtein)
    assert isinstance(kept.get_batch([2, 0])["graph1"], KeptProteins)


def test_proteins_with_atoms_are_always_there():
    class WithAtoms(Pairs):
        """One of the two has atoms."""

        def __getitem__(self, index):
            return {"graph1": to_protein("MKT"), "graph2": data.Protein.from_sequence("MKT")}

    kept = KeptItems(WithAtoms())
    for _ in range(2):
        assert isinstance(kept.get_batch([0, 1])["graph1"], data.PackedProtein)


@pytest.mark.parametrize("num_worker", [0, 1])
def test_loaders_with_workers_have_proteins_in_every_epoch(num_worker):
    kept = KeptItems(Pairs())
    for epoch in range(2):
        loader = make_loader(SeededBatches(kept, 0, epoch), BatchIndices([2, 0, 1], 2), num_worker)
        kinds = [type(batch["graph1"]).__name__ for batch in loader]
    assert kinds == 2 * [("KeptProteins", "PackedProtein")[num_worker]]
    assert len(kept._keys) == (3, 0)[num_worker]


def test_a_stand_in_moves_to_the_gpu_as_proteins_do():
    class OnGpu(torch.Tensor):
        def cuda(self, *arguments, **options):
            moved.append((arguments, options))
            return self

    class Pack:
        def cuda(self, *arguments, **options):
            moved.append((arguments, options))
            return self

    moved, pack = [], Pack()
    kept = KeptProteins([b"a"], lambda: pack, torch.zeros(1, 0).as_subclass(OnGpu))
    there = kept.cuda(device="cuda:1", non_blocking=True)
    assert there.keys == [b"a"]
    assert moved == [((), {"device": "cuda:1", "non_blocking": True})]
    assert there.load() is pack
    assert moved == 2 * moved[:1]


class Splits:
    """As much of an engine as `keep_items` asks for."""

    def __init__(self, task, *splits):
        self.model = task
        self.train_set, self.valid_set, self.test_set = splits

    def kinds(self):
        return [type(split).__name__ for split in (self.train_set, self.valid_set, self.test_set)]


@pytest.fixture
def table(tmp_path):
    rows = [f"{sequence},{i},{s}" for i, sequence in enumerate(SEQUENCES) for s in "abc"]
    (tmp_path / "table.csv").write_text("\n".join(["sequence,number,split", *rows]) + "\n")

    def read(transform=None):
        options = {"target": "number", "split": "split", "transform": transform}
        return ProteinTable(str(tmp_path / "table.csv"), **options).split(["a", "b", "c"])

    return read


def encoder():
    model = torch.nn.Linear(1, 1)
    model.output_dim = 1
    return model


@pytest.fixture
def kinds(tmp_path):
    def kinds(splits, task_class=tasks.PropertyPrediction, keep=True, **options):
        model = encoder()
        if keep:
            keep_features(model, tmp_path)
        engine = Splits(task_class(model, **options), *splits)
        keep_items(engine)
        return engine.kinds()

    return kinds


def test_training_and_validation_are_kept(table, kinds):
    assert kinds(table()) == ["KeptItems", "KeptItems", "Subset"]
    assert kinds([table()[0], None, None]) == ["KeptItems", "NoneType", "NoneType"]


def test_only_data_that_are_surely_the_same_in_every_epoch(table, kinds, tmp_path):
    view = transforms.ProteinView("residue")
    cut, draw = (transforms.TruncateProtein(5, random=r) for r in (False, True))
    assert kinds(table(transforms.Compose([view, cut])))[0] == "KeptItems"
    assert kinds(table(cut))[0] == "KeptItems"
    assert kinds(table(draw))[0] == "Subset"
    assert kinds(table(transforms.Compose([view, draw])))[0] == "Subset"
    assert kinds(table(lambda item: item))[0] == "Subset"
    assert kinds([torch_data.Subset(Pairs(), [0]), None, None])[0] == "Subset"
    assert kinds([Pairs(), None, None])[0] == "Pairs"

    class OwnSubset(torch_data.Subset):
        """It may change the items."""

    assert kinds([OwnSubset(table()[0].dataset, [0]), None, None])[0] == "OwnSubset"
    anything = data.SemiSupervised(torch_data.Subset(Pairs(), [0]), [0])
    assert kinds([anything, None, None])[0] == "SemiSupervised"
    theirs = data.ProteinDataset()
    theirs.load_sequence(SEQUENCES, {"number": [0.0] * 4}, lazy=True)
    assert kinds([torch_data.Subset(theirs, [0]), None, None])[0] == "KeptItems"
    anew = ProtAnno(str(tmp_path)).split()
    assert kinds(anew) == ["PropertyDrivenSubset", "KeptItems", "Subset"]


def test_only_tasks_that_hand_proteins_to_encoders_that_are_kept(table, kinds):
    class OwnTask(tasks.PropertyPrediction):
        """It may look at the proteins."""

    assert kinds(table(), OwnTask)[0] == "Subset"
    assert kinds(table(), tasks.NodePropertyPrediction)[0] == "Subset"
    assert kinds(table(), tasks.MultipleBinaryClassification)[0] == "KeptItems"
    assert kinds(table(), tasks.InteractionPrediction)[0] == "KeptItems"
    assert kinds(table(), tasks.InteractionPrediction, model2=encoder())[0] == "Subset"
    assert kinds(table(), keep=False)[0] == "Subset"


@pytest.fixture
def model(tiny_protein_folder):
    model = ProtCLIP(protein_encoder=tiny_protein_folder)
    freeze(model)
    return model


@pytest.mark.parametrize("knows", ["all", "some", "none", "all, in another precision"])
def test_a_task_gets_the_same_from_keys_and_from_proteins(model, tmp_path, knows):
    """Also where features of a protein are not kept after all, as on a full disk."""
    task = tasks.InteractionPrediction(model, task=["number"], num_mlp_layer=1)
    task.preprocess(Pairs(), None, None)
    kept = KeptItems(Pairs())
    expected = task.predict(kept.get_batch([0, 1, 2, 3]))
    assert keep_encoder_features(task, tmp_path)
    if knows != "none":
        known = [1] if knows == "some" else [0, 1, 2, 3]
        task.predict(data.graph_collate([Pairs()[i] for i in known]))
    computed, asked = task.model.forward.features.num_computed, kept.dataset.asked
    asked.clear()
    with torch.autocast("cpu", enabled="precision" in knows):
        pred = task.predict(kept.get_batch([2, 0, 3, 1]))
    tolerance = {"atol": 0.02, "rtol": 0.02} if "precision" in knows else {}
    torch.testing.assert_close(pred.float(), expected[[2, 0, 3, 1]], **tolerance)
    assert (task.model.forward.features.num_computed > computed) == (knows != "all")
    assert bool(asked) == (knows != "all")


def test_a_model_that_minds_the_others_is_always_given_proteins(tmp_path):
    from torchdrug.models import ProteinCNN

    cnn = ProteinCNN(21, [8], kernel_size=5, padding=2)
    freeze(cnn)
    task = tasks.PropertyPrediction(cnn, task=["number"])
    keep_encoder_features(task, tmp_path)
    proteins = ["MKTAYIAKQR", "MNIFEMLRID", "GAVLIPF", "WWYHHKM"]
    kept = KeptItems([{"graph": to_protein(residues)} for residues in proteins])

    def ask(indices):
        pack = kept.get_batch(indices)["graph"]
        return pack, cnn(pack, pack.node_feature.float())["graph_feature"]

    ask([0, 1]), ask([2, 3])  # which need no padding, so that their features are kept
    first = data.Protein.pack([to_protein(proteins[i]) for i in (0, 2)])
    expected = cnn.forward.compute(first, first.node_feature.float())["graph_feature"]
    ask([0, 1, 2, 3])
    cnn.forward.depends_on_batch = True  # as it is known from any other batch
    pack, found = ask([0, 2])
    assert isinstance(pack, KeptProteins)
    assert torch.equal(found, expected)
