"""Cross-modal transformation: the leak, the ranking, and what the bridge learns."""

import math

import graph_files
import numpy as np
import pytest
import torch
from cross_modal_sizes import NAMES, SMALL
from torchdrug import core, models
from torchdrug.data import graph_collate

from protclip_td.datasets import PrimeKG, ProteinTable
from protclip_td.engine import ResumableEngine
from protclip_td.tasks import CrossModalTransformation
from protclip_td.tasks.cross_modal_bridge import Bridge, Nodes


def make_engine(dataset, model, batch_size=256):
    task = CrossModalTransformation(model, dropout=0, **SMALL)
    splits = dataset.split()
    task.preprocess(*splits)
    optimizer = torch.optim.AdamW(task.bridge.parameters(), lr=5e-3)
    return ResumableEngine(task, *splits, optimizer, batch_size=batch_size)


def reverse_edges_in_training(dataset):
    """Of the questions for test, the share whose answer trains in the other direction."""
    graph, train = dataset.graph, dataset.split()[0]
    trained = {(train[i]["tail"], train[i]["head"]) for i in range(len(train))}
    asked = {
        (head, int(dataset.candidates[place]))
        for head, relation in dataset._questions["test"]
        for place in dataset.answers[head, relation]
    }
    assert graph.between(*dataset.target).sum() > len(asked) > 0
    return len(asked & trained) / len(asked)


@pytest.mark.parametrize("target", NAMES)
def test_published_split_leaks_and_clean_split_does_not(data, target):
    published = PrimeKG(data, target=target, split="published", valid_fraction=0)
    clean = PrimeKG(data, target=target, split="clean")
    assert reverse_edges_in_training(published) > 0.6
    assert reverse_edges_in_training(clean) == 0
    # Not even another edge of a node that is held out.
    held_out = {*clean.held_out.test.tolist(), *clean.held_out.valid.tolist()}
    assert not held_out & set(clean._train[:, [0, 2]].flatten().tolist())


def slow_ranking(score, right):
    """Reciprocal ranks and recalls, candidate by candidate; ties go against the model."""
    filtered, first, recall = [], [], []
    for row, answers in zip(score.tolist(), right):
        wrong = [value for place, value in enumerate(row) if place not in answers]
        ranks = [1 + sum(value >= row[place] for value in wrong) for place in answers]
        filtered += [1 / rank for rank in ranks]
        first.append(1 / min(ranks))
        order = sorted(range(len(row)), key=lambda place: (-row[place], place in answers))
        recall.append(len(set(order[:5]) & set(answers)) / len(answers))
    return np.mean(filtered), np.mean(first), np.mean(recall)


def test_evaluation_ranks_as_written(data, model, monkeypatch):
    monkeypatch.setattr("protclip_td.tasks.cross_modal._CHUNK", 50)  # two questions at once
    dataset = PrimeKG(data, target="prot2mf", test_fraction=0.3)
    engine = make_engine(dataset, model)
    task, test = engine.model.eval(), engine.test_set
    metric = engine.evaluate("test", log=False)

    batch = graph_collate([test[i] for i in range(len(test))])
    query = task.predict(batch)
    nodes = torch.from_numpy(dataset.candidates)
    key = task.bridge.project(nodes, task._known(nodes.device))
    score = torch.cosine_similarity(query[:, None], key[None], dim=-1)
    right = [dataset.answers[question] for question in dataset._questions["test"]]
    mrr, first, recall = slow_ranking(score, right)
    assert metric["mrr filtered"] == pytest.approx(mrr, rel=1e-4)
    assert metric["mrr first hit"] == pytest.approx(first, rel=1e-4)
    assert metric["recall@5"] == pytest.approx(recall, rel=1e-4)
    assert metric["candidates"] == len(dataset.candidates) == 20


def test_vectors_are_those_of_the_encoders(data, model):
    dataset = PrimeKG(data)
    task = make_engine(dataset, model).model
    nodes = task._known(torch.device("cpu"))
    graph = dataset.graph
    for node_type, expected in (
        ("gene/protein", model.protein_features(dataset.sequences())),
        ("disease", model.text_encoder.means(dataset.texts("disease"))),
        ("drug", dataset.drug_vectors()),
    ):
        of_type = torch.from_numpy(graph.nodes_of(node_type))
        found = nodes.vectors_of(dataset.node_types.index(node_type), of_type)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def slow_loss(task, dataset, item, temperature):
    """InfoNCE of one triplet with all of its negatives, each step written out."""
    bridge, nodes = task.bridge, task._known(torch.device("cpu"))
    kinds = dataset.graph.type.tolist()
    head, relation, tail = item["head"], torch.tensor(item["relation"]), item["tail"]

    def projected(node):
        place = dataset.graph.nodes_of(dataset.node_types[kinds[node]]).tolist().index(node)
        return bridge.projection[str(kinds[node])](nodes.vectors[kinds[node]][place])

    def embedded(node):
        return bridge.type_embedding(torch.tensor(kinds[node]))

    tokens = [projected(head), embedded(head), bridge.relation_embedding(relation), embedded(tail)]
    query = projected(head) + bridge.encoder(torch.stack(tokens)[None])[0, 0]
    negatives = [node for node in item["negatives"].tolist() if node >= 0]
    keys = torch.stack([projected(node) for node in (tail, *negatives)])
    cosine = torch.cosine_similarity(query[None], keys, dim=-1)
    return -(cosine / temperature).log_softmax(0)[0]


def test_training_loss_as_written(data, model):
    dataset = PrimeKG(data)
    task = CrossModalTransformation(model, dropout=0, num_negative=50, temperature=0.3, **SMALL)
    train, *_ = splits = dataset.split()
    task.preprocess(*splits)
    items = [train[row] for row in range(0, len(train), len(train) // 12)]
    kinds = {tuple(dataset.graph.type[[item["head"], item["tail"]]].tolist()) for item in items}
    assert {head != tail for head, tail in kinds} == {True, False}
    loss, named = task(graph_collate(items))
    expected = torch.stack([slow_loss(task, dataset, item, 0.3) for item in items]).mean()
    torch.testing.assert_close(loss, expected)
    assert named == {"InfoNCE loss": loss}
    assert loss.requires_grad
    assert not named["InfoNCE loss"].requires_grad


def test_projections_have_no_bias():
    bridge = Bridge({0: 3}, num_type=1, num_relation=1, **SMALL, dropout=0)
    nodes = Nodes(torch.zeros(2, dtype=torch.long), {0: torch.tensor([[0.0] * 3, [1.0] * 3])})
    nothing, something = bridge.project(torch.tensor([0, 1]), nodes)
    assert not nothing.any()
    assert something.any()


def test_types_and_relations_are_normalised():
    bridge = Bridge({0: 3}, num_type=5, num_relation=4, **SMALL, dropout=0)
    for embedding, num in ((bridge.type_embedding, 5), (bridge.relation_embedding, 4)):
        rows = embedding(torch.arange(num))
        torch.testing.assert_close(rows.mean(1), torch.zeros(num))
        torch.testing.assert_close(rows.std(1, correction=0), torch.ones(num), atol=1e-4, rtol=0)


@pytest.mark.parametrize("part", ["", "model", "model.protein_encoder"])
def test_other_weights_give_other_vectors(data, model, part):
    """Wherever they are loaded."""
    dataset = PrimeKG(data)
    task = make_engine(dataset, model).model
    protein, device = dataset.node_types.index("gene/protein"), torch.device("cpu")
    before = task._known(device).vectors[protein]
    assert task._known(device).vectors[protein] is before
    module = task.get_submodule(part)
    module.load_state_dict({name: 2 * tensor for name, tensor in module.state_dict().items()})
    after = task._known(device).vectors[protein]
    assert not torch.allclose(after, before)
    torch.testing.assert_close(after, model.protein_features(dataset.sequences()))


def test_slices(data):
    dataset = PrimeKG(data)
    assert [item["head"] for item in dataset[:3]] == [dataset[i]["head"] for i in range(3)]


def test_training_after_an_evaluation_in_inference_mode(data, model):
    engine = make_engine(PrimeKG(data), model)
    with torch.inference_mode():
        engine.evaluate("test", log=False)
    before = [parameter.clone() for parameter in engine.model.parameters()]
    engine.train(1)
    assert not all(map(torch.equal, before, engine.model.parameters()))


def test_negatives_of_a_step_are_some_of_those_drawn_before(data, model):
    task = make_engine(PrimeKG(data), model).model
    given = torch.tensor([[4, 5, 6, 7, 8, 9, 10], [4, 5, -1, -1, -1, -1, -1]])
    seen = set()
    for _ in range(30):
        chosen, is_there = task._some_negatives(given)
        assert chosen.shape == is_there.shape == (2, 5)
        assert is_there.sum(1).tolist() == [5, 2]
        assert len(set(chosen[0].tolist())) == 5
        assert set(chosen[1][is_there[1]].tolist()) == {4, 5}
        seen |= set(chosen[0].tolist())
    assert seen == {4, 5, 6, 7, 8, 9, 10}


@pytest.fixture(scope="module")
def dense(sample_entries, tmp_path_factory):
    """The same with more partners for each protein: 8 of the 10 of its kind."""
    path = tmp_path_factory.mktemp("dense")
    graph_files.write_prime_kg(path, graph_files.two_kinds(sample_entries), num_partner=8)
    return str(path)


def telling(dataset):
    """A graph in which not only proteins tell their kind, but names and drugs' vectors, too."""
    texts, drugs = dataset.texts, dataset.drug_vectors

    def kinds(node_type):
        return [ord(name[-1]) % 2 for name in texts(node_type)]  # as the terms are shared out

    dataset.texts = lambda kind: [
        f"{('kinase', 'membrane')[odd]} {name}" for odd, name in zip(kinds(kind), texts(kind))
    ]
    dataset.drug_vectors = lambda: drugs() + 2 * torch.tensor(kinds("drug"))[:, None] - 1
    return dataset


def shuffle_tails(dataset):
    """Hand the tails of training to other heads, and the negatives, too."""
    kinds = dataset.graph.type[dataset._train[:, 2]]
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        order = np.random.default_rng(0).permutation(rows)
        dataset._train[rows, 2] = dataset._train[order, 2]
        dataset._negatives[rows] = np.random.default_rng(1).permutation(dataset._negatives[rows])


def recall(dataset, model):
    """Recall after training, at a cut-off where chance gives about a half."""
    torch.manual_seed(1)
    engine = make_engine(telling(dataset), model, batch_size=32)
    engine.train(8)
    return engine.evaluate("test", log=False)[f"recall@{len(dataset.candidates) // 20 * 10}"]


@pytest.mark.parametrize("target", NAMES)
def test_bridge_learns_and_shuffled_tails_teach_nothing(target, dense, model):
    """Over seeds: 0.72 or more against 0.53 or less."""
    options = {"target": target, "relations": "target", "test_fraction": 0.4}
    assert recall(PrimeKG(dense, **options), model) > 0.65
    shuffled = PrimeKG(dense, **options)
    shuffle_tails(shuffled)
    assert recall(shuffled, model) < 0.57


def test_stock_engine(data, model):
    dataset = PrimeKG(data, target="prot2cc")
    task = CrossModalTransformation(model, **SMALL)
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
    engine = core.Engine(task, *dataset.split(), optimizer, batch_size=512, log_interval=1)
    before = engine.model.bridge.projection["1"].weight.clone()
    engine.train(1)
    assert not torch.equal(before, engine.model.bridge.projection["1"].weight)
    assert len(engine.meter.records["InfoNCE loss"]) == 3
    assert engine.evaluate("valid", log=False)["candidates"] == 20


def test_mistakes(data, tiny_protein_folder, model, tmp_path):
    with pytest.raises(ValueError, match="num_negative: 0 given"):
        CrossModalTransformation(model, num_negative=0)
    with pytest.raises(ValueError, match=r"num_negative: 2\.5 given; expected a whole number"):
        CrossModalTransformation(model, num_negative=2.5)
    for temperature in (0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"temperature: {temperature} given"):
            CrossModalTransformation(model, temperature=temperature)
    splits = PrimeKG(data).split()
    with pytest.raises(ValueError, match="hidden_dim: 30 is no multiple of the 4 heads"):
        CrossModalTransformation(model, hidden_dim=30, num_head=4).preprocess(*splits)
    plain = models.ProteinCNN(21, [8])
    with pytest.raises(ValueError, match=r"(?s)names of nodes need a text encoder.*Protein"):
        CrossModalTransformation(plain, **SMALL).preprocess(*splits)
    (tmp_path / "table.csv").write_text(
        "sequence,y\n" + "".join(f"MK{'A' * i},1\n" for i in range(20))
    )
    table = ProteinTable(str(tmp_path / "table.csv"), target="y")
    with pytest.raises(ValueError, match="ProteinTable given; expected a knowledge graph"):
        CrossModalTransformation(model).preprocess(*table.split())
