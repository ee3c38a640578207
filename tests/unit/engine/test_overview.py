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


@pytest.mark.parametrize(
    ("load", "environment", "is_said"),
    [
        (2.0, {}, True),
        (0.1, {}, False),
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
