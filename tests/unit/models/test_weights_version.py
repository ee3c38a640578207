"""What was computed with weights is not taken for what other weights would give."""

import copy
import pickle

import pytest
import torch
from torch import nn

from protclip_td.models.weights_version import KeptValue, weights_version


def grown(module):
    return {name: tensor + 1 for name, tensor in module.state_dict().items()}


def load(model):
    model[0].load_state_dict(grown(model[0]))


def replace(model):
    model[0].load_state_dict(grown(model[0]), assign=True)


def write(model):
    with torch.no_grad():
        model[0].weight[0, 0] += 1


def step(model):
    model(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()


@pytest.mark.parametrize("change", [load, replace, write, step, nn.Module.double])
@pytest.mark.parametrize("inference", [False, True])
def test_every_change_of_a_parameter_shows(change, inference):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2).eval())
    before = weights_version(model)
    model(torch.ones(1, 2))
    assert weights_version(model) == before
    with torch.inference_mode(inference and change is not step):
        change(model)
    assert weights_version(model) != before


def test_buffers_do_not_count():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    before = weights_version(model)
    model(torch.rand(4, 2))
    assert weights_version(model) == before


def test_weights_made_in_inference_mode():
    with torch.inference_mode():
        model = nn.Linear(2, 2)
    assert len(weights_version(model, nn.Linear(2, 2))) == 4


def test_a_value_is_computed_once_for_each_weights():
    model, computed = nn.Sequential(nn.Linear(2, 2)), []
    kept = KeptValue()

    def get():
        return kept.get([model], lambda: computed.append(0) or len(computed))

    assert [get(), get()] == [1, 1]
    load(model)
    assert [get(), get()] == [2, 2]
    for copied in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert copied.get([model], lambda: "anew") == "anew"


def test_a_model_that_moves_while_it_computes_is_not_asked_again():
    """As one that the task does not own goes to the GPU with its first batch."""
    model, kept, asked = nn.Linear(2, 2), KeptValue(), []

    def compute():
        asked.append(model.to(torch.float64))
        return "computed"

    assert [kept.get([model], compute) for _ in range(3)] == 3 * ["computed"]
    assert len(asked) == 1
