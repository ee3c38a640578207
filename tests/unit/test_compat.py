"""TorchDrug's quirks stay mended, whatever is imported first."""

import argparse
import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DistributedSampler
from torchdrug import core, data

import protclip_td
from protclip_td import compat
from protclip_td.compat.modules import torch_modules
from protclip_td.data.proteins import to_protein


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "order", ["import transformers, protclip_td", "import protclip_td, transformers"]
)
def test_transformers_works_in_both_import_orders(order, tiny_protein_folder):
    code = f"""
{order}
from transformers import EsmModel
from protclip_td.compat.modules import torch_modules
with torch_modules():
    model = EsmModel.from_pretrained({tiny_protein_folder!r}, add_pooling_layer=False)
    model.gradient_checkpointing_enable()
print(sum(p.numel() for p in model.parameters()))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 10_000


def fail_inside():
    with torch_modules():
        assert isinstance(nn.Linear(1, 1), nn.Module)
        raise RuntimeError("inside")


def test_torch_modules_puts_torchdrugs_class_back_even_after_an_error():
    replaced = nn.Module
    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert nn.Module is replaced
    assert not isinstance(nn.Linear(1, 1), nn.Module)  # the quirk itself


def test_pytorch_schedulers_are_registered():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1.0)
    config = {"class": "scheduler.StepLR", "optimizer": optimizer, "step_size": 1, "gamma": 0.5}
    scheduler = core.Configurable.load_config_dict(config)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_namespace_is_allowed_and_other_classes_are_not(tmp_path):
    torch.save({"args": argparse.Namespace(layers=6)}, tmp_path / "esm.pt")
    assert torch.load(tmp_path / "esm.pt")["args"].layers == 6
    torch.save({"args": subprocess.CompletedProcess([], 0)}, tmp_path / "evil.pt")
    with pytest.raises(Exception, match="CompletedProcess"):
        torch.load(tmp_path / "evil.pt")


def test_sampler_tells_the_data_set_which_epoch_begins():
    class Drawn(torch.utils.data.Dataset):
        epoch = None

        def __len__(self):
            return 4

        def set_epoch(self, epoch):
            self.epoch = epoch

    drawn = Drawn()
    DistributedSampler(drawn, 1, 0).set_epoch(3)
    assert drawn.epoch == 3
    DistributedSampler([1, 2], 1, 0).set_epoch(3)  # a list has no set_epoch, and needs none


def test_sampler_keeps_the_order_of_what_is_shuffled_already():
    class Shuffled(torch.utils.data.Dataset):
        is_shuffled = True

        def __len__(self):
            return 101

    shares = [list(DistributedSampler(Shuffled(), 2, rank)) for rank in range(2)]
    assert shares == [list(range(0, 101, 2)), [*range(1, 101, 2), 0]]
    usual = list(DistributedSampler(list(range(101)), 1, 0))
    assert usual != sorted(usual) == list(range(101))


def test_applying_twice_changes_nothing():
    before = DistributedSampler.set_epoch, DistributedSampler.__iter__
    compat.apply()
    assert (DistributedSampler.set_epoch, DistributedSampler.__iter__) == before


def test_root_logger_is_left_alone():
    code = """
import logging, torchdrug
root = logging.getLogger()
before = (root.level, list(root.handlers))
import protclip_td
assert before == (root.level, list(root.handlers))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def letters(protein):
    return bytes(protein.residue_letter.tolist()).decode()


def test_letters_survive_packing_masking_and_unpacking():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        options = {"atom_feature": None, "bond_feature": None}
        one = data.Protein.from_sequence("MXBZUO", **options)
        many = data.PackedProtein.from_sequence(["MX", "GU"], **options)
    packed = data.Protein.pack([one, to_protein("KO")])
    assert letters(packed) == "MXBZUOKO"
    assert letters(packed[1]) == "KO"
    assert letters(packed.subresidue([1, 7])) == "XO"
    assert letters(many) == "MXGU"


def test_proteins_equal_torchdrugs_own(sample_entries, tmp_path):
    """Beside the letters, `to_protein` gives what TorchDrug's own code gives."""
    sequence, file = sample_entries[0].sequence[:80] + "X", tmp_path / "protein.pt"
    code = f"""
import torch, torchdrug.data as data
protein = data.Protein.from_sequence({sequence!r}, atom_feature=None, bond_feature=None)
torch.save([protein.residue_type, protein.residue_feature], {str(file)!r})
"""
    assert run_python(code).returncode == 0
    residue_type, residue_feature = torch.load(file)
    protein = to_protein(sequence)
    assert torch.equal(protein.residue_type, residue_type)
    assert torch.equal(protein.residue_feature, residue_feature)
    assert protein.view == "residue"


def root_of(node):
    """The name at the beginning of `a.b[c].d`."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return getattr(node, "id", None)


def names_of_torchdrug(nodes):
    """Names for something of TorchDrug's: imported, given to a variable, or gone through."""
    names = set()
    for node in nodes:
        values, targets = [], []
        if isinstance(node, ast.Import):
            names |= {a.asname or "torchdrug" for a in node.names if "torchdrug" in a.name}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torchdrug"):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            values, targets = [node.value], node.targets
        elif isinstance(node, ast.For):
            values, targets = getattr(node.iter, "elts", []), [node.target]
        if any(root_of(value) in names for value in values):
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def meddling(code):
    """Lines that change something of TorchDrug's, or use what it keeps for itself."""
    nodes = list(ast.walk(ast.parse(code)))
    names = names_of_torchdrug(nodes)
    for node in nodes:
        is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr"
        if isinstance(node, ast.Attribute | ast.Subscript) and root_of(node) in names:
            is_private = isinstance(node, ast.Attribute) and node.attr.startswith("_")
            if is_private or not isinstance(node.ctx, ast.Load):
                yield node.lineno
        elif (is_call and root_of(node.args[0]) in names) or (
            isinstance(node, ast.alias) and node.name.startswith("_") and node.name in names
        ):
            yield node.lineno


def test_only_this_part_changes_torchdrug():
    package = Path(protclip_td.__file__).parent
    found = {path: [*meddling(path.read_text())] for path in package.rglob("*.py")}
    changing = {str(path.relative_to(package)) for path, lines in found.items() if lines}
    assert changing >= {f"compat/{name}.py" for name in ("letters", "targets", "files", "metrics")}
    assert not [name for name in changing if not name.startswith("compat/")]


@pytest.mark.parametrize(
    "line",
    [
        "from torchdrug.tasks import _get_metric_name",
        "import torchdrug; torchdrug.utils.download = None",
        "from torchdrug import tasks; tasks._get_criterion_name('ce')",
        "from torchdrug.core import Registry as R; R.table['metrics']['mcc'] = None",
        "from torchdrug import metrics; setattr(metrics, 'mcc', None)",
        "from torchdrug import tasks\nfor cls in (tasks.Task,): cls.preprocess = None",
    ],
)
def test_changes_are_found(line):
    assert list(meddling(line)) == [1 + line.count("\n")]
