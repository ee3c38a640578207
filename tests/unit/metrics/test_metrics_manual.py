"""What docs/metrics.md shows is what comes out."""

import doctest
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torchdrug import tasks

from protclip_td.config import find_config

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", MANUAL.read_text(), re.DOTALL | re.MULTILINE)


def test_examples():
    (block,) = blocks("pycon")
    case = doctest.DocTestParser().get_doctest(block, {}, "metrics.md", str(MANUAL), 0)
    said: list[str] = []
    result = doctest.DocTestRunner().run(case, out=said.append)
    assert result.attempted > 5
    assert result.failed == 0, "".join(said)


def test_commands_name_what_is_there():
    commands = blocks("bash")
    for name in re.findall(r"-c (\w+)", "".join(commands)):
        assert find_config(name).is_file()
    for path in re.findall(r"^pytest (\S+)", "".join(commands), re.MULTILINE):
        assert (MANUAL.parents[1] / path).exists()


@pytest.mark.parametrize("metric", ["auroc@macro", "auprc@macro"])
def test_macro_metrics_cannot_run_in_torchdrug(metric):
    class Encoder(nn.Module):
        output_dim = 3

    task = tasks.MultipleBinaryClassification(Encoder(), [0, 1], metric=[metric])
    with pytest.raises(TypeError, match="unexpected keyword argument 'dim'"):
        task.evaluate(torch.rand(4, 2), torch.ones(4, 2))
