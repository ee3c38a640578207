"""What is said before a training starts."""

from types import SimpleNamespace

import pytest
import torch

from protclip_td.models import ProtCLIP
from protclip_td.models.description import Part
from protclip_td.training import overview


class Task(torch.nn.Module):
    """A task in the eyes of the overview: something with a model."""

    def __init__(self, model):
        super().__init__()
        self.model = model


def test_random_protein_encoder_is_said_plainly_with_the_way_to_real_weights():
    text = overview.describe_model(Task(ProtCLIP("random:ESM-2-8M")))
    words = " ".join(text.split())
    assert "The protein encoder starts from RANDOM weights" in words
    assert "set `protein_encoder` (--encoder downstream) to a fair-esm file" in words
    assert "esm2_t6_8M_UR50D.pt" in words
    assert max(len(line) for line in text.splitlines()) <= 80


def test_given_weights_need_no_such_word(tiny_protein_folder):
    text = overview.describe_model(Task(ProtCLIP(tiny_protein_folder)))
    assert "RANDOM" not in text


def test_a_long_path_stands_in_a_line_of_its_own():
    path = "/home/user/runs/pretrain_650m/2026-01-31_12-00-00/model"
    part = Part("protein encoder", 7_500_000, True, f"checkpoint {path}")
    model = SimpleNamespace(describe=lambda: [part, part._replace(source="checkpoint short")])
    lines = overview.describe_model(Task(model)).splitlines()
    assert lines[1:] == [
        "  protein encoder    7.5 M  trained",
        f"    checkpoint {path}",
        "  protein encoder    7.5 M  trained  checkpoint short",
    ]


def test_what_is_trained_is_told_from_what_is_fixed():
    head = torch.nn.Linear(3, 2)
    head.bias.requires_grad_(False)
    assert overview.describe_model(Task(head)) == "  Task, 8 parameters, 6 of them trained"
    encoder = torch.nn.Linear(500, 400).requires_grad_(False)
    encoder.describe = lambda: [Part("text encoder", 200_400, False, "random")]
    assert overview.describe_model(Task(encoder)).splitlines() == [
        "  Task, 0.2 M parameters, 0 of them trained",
        "  text encoder       0.2 M  frozen   random",
    ]


class Numbers(list):
    """A data set in the eyes of the overview."""


def test_the_data_s_own_table_stands_above_the_sizes():
    numbers = Numbers(range(6))
    sizes = "  Numbers: 3 train, 2 valid, 1 test"
    splits = [numbers[:3], numbers[3:5], numbers[5:]]
    assert overview.describe_data(numbers, splits) == sizes
    numbers.composition = lambda: "  3 even, 3 odd"
    assert overview.describe_data(numbers, splits) == f"  3 even, 3 odd\n{sizes}"


@pytest.mark.parametrize(
    ("num_epoch", "processes", "said"),
    [
        (0, 1, "  None: the task is evaluated as it is, on cpu, fp32"),
        (1, 1, "  1 epoch of 7 items in batches of 2, on cpu, fp32"),
        (3, 2, "  3 epochs of 7 items in batches of 2 in 2 processes, on cpu, fp32"),
    ],
)
def test_the_length_of_a_training_and_its_settings(num_epoch, processes, said):
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in (0.1, 0.01, 0.1)]
    engine = SimpleNamespace(
        train_set=range(7),
        batch_size=2,
        world_size=processes,
        device=torch.device("cpu"),
        precision=SimpleNamespace(name="fp32"),
        optimizer=torch.optim.SGD(groups),
    )
    settings = "\n  SGD, learning rate 1.0e-01 and 1.0e-02" if num_epoch else ""
    assert overview.describe_training(engine, {"num_epoch": num_epoch}) == said + settings


@pytest.mark.parametrize(
    ("load", "environment", "is_said"),
    [
        (1.1, {}, True),
        (0.9, {}, False),
        (2.0, {"OMP_WAIT_POLICY": "passive"}, False),
        (2.0, {"OMP_NUM_THREADS": "1"}, False),
    ],
)
def test_busy_machine_is_said_with_the_remedy(monkeypatch, load, environment, is_said):
    monkeypatch.setattr(overview.os, "getloadavg", lambda: (load, 0, 0))
    monkeypatch.setattr(overview.os, "cpu_count", lambda: 2)
    for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = overview.busy_machine(SimpleNamespace(device=torch.device("cpu")))
    assert ("OMP_WAIT_POLICY=passive" in said) == is_said
    assert all(len(line) <= 80 for line in said.splitlines())
