"""TorchDrug's own tasks and registry find ours in place of what they had."""

import pytest
import torch
from torch import nn
from torchdrug import core, tasks
from torchdrug import metrics as torchdrug_metrics

from protclip_td import metrics

NAMES = {
    "auprc": "area_under_prc",
    "auroc": "area_under_roc",
    "f1_max": "f1_max",
    "spearmanr": "spearmanr",
}


@pytest.mark.parametrize("key", NAMES)
def test_ours_stand_in_module_and_registry(key):
    ours = getattr(metrics, NAMES[key])
    assert getattr(torchdrug_metrics, NAMES[key]) is ours
    assert core.Registry.get(f"metrics.{key}") is ours
    assert getattr(torchdrug_metrics.metric, NAMES[key]) is not ours


def test_short_names_and_new_ones():
    assert torchdrug_metrics.AUPRC is metrics.area_under_prc
    assert torchdrug_metrics.AUROC is metrics.area_under_roc
    assert core.Registry.get("metrics.micro_f1") is metrics.micro_f1


class Encoder(nn.Module):
    output_dim = 3


def test_annotation_task_of_a_model_that_says_the_same_of_all():
    task = tasks.MultipleBinaryClassification(
        Encoder(), list(range(4)), metric=["auprc@micro", "auroc@micro", "f1_max"]
    )
    target = (torch.rand(60, 4) < 0.25).float()
    for order in (torch.arange(60), torch.randperm(60)):
        scores = task.evaluate(torch.zeros(60, 4), target[order])
        assert scores["auprc@micro"].item() == pytest.approx(target.mean().item())
        assert scores["auroc@micro"] == 0.5
        assert 0 < scores["f1_max"] < 1


def test_regression_task_leaves_missing_targets_out():
    task = tasks.PropertyPrediction(Encoder(), task=["y"], criterion="mse", metric=["spearmanr"])
    target = torch.tensor([[1.0], [2.0], [float("nan")], [3.0]])
    scores = task.evaluate(torch.tensor([[0.1], [0.2], [9.0], [0.3]]), target)
    assert scores["spearmanr [y]"] == 1
