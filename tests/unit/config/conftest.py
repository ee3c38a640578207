"""A small data set of real sequences, and configurations in PEER's style that use it."""

import pytest
import torch
from torch.utils import data as torch_data
from torchdrug import core, data
from torchdrug.core import Registry as R

SEQUENCES = [
    "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ",
    "MALWMRLLPLLALLALWGPDPAAAFVNQHLCGSHLVEALYLVCGERGFFYTPKT",
    "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHF",
    "GIVEQCCTSICSLYQLENYCN",
    "FVNQHLCGSHLVEALYLVCGERGFFYTPKT",
    "MGDVEKGKKIFIMKCSQCHTVEKGGKHKTGPNLHGLFGRKTGQAPGYSYT",
    "MNIFEMLRIDEGLRLKIYKDTEGYYTIGIGHLLTKSPSLNAAKSELDKAI",
    "MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTT",
]


@R.register("datasets.LengthToy")
class LengthToy(data.ProteinDataset, core.Configurable):
    """The length of a protein as a regression target.

    Parameters:
        path (str): stored nowhere
        branch (str, optional): of no effect
        transform (Callable, optional): protein transformation
        verbose (int, optional): output verbose level
    """

    def __init__(self, path, branch=None, transform=None, verbose=0):
        targets = {"length": [float(len(sequence)) for sequence in SEQUENCES]}
        self.load_sequence(
            SEQUENCES, targets, atom_feature=None, bond_feature=None, transform=transform
        )

    def split(self, keys=("train", "valid", "test")):
        parts = {"train": range(4), "valid": range(4, 6), "test": range(6, 8), "cb513": range(2)}
        return [torch_data.Subset(self, parts[key]) for key in keys]


@R.register("datasets.LabelToy")
class LabelToy(LengthToy, core.Configurable):
    """Two binary labels of a protein.

    Parameters:
        path (str): stored nowhere
    """

    def __init__(self, path):
        super().__init__(path)
        self.target_names = ["long", "methionine"]

    @property
    def tasks(self):
        return self.target_names

    def get_item(self, index):
        sequence = SEQUENCES[index]
        labels = torch.tensor([len(sequence) > 40, sequence[0] == "M"]).float()
        return {"graph": self.data[index], "targets": labels}


PEER = """\
output_dir: ~/scratch/torchprotein_output/

dataset:
  class: LengthToy
  path: ~/scratch/protein-datasets/
  transform:
    class: Compose
    transforms:
      - class: ProteinView
        view: residue
      - class: TruncateProtein
        max_length: 30

task:
  class: PropertyPrediction
  model:
    class: ProteinCNN
    input_dim: 21
    hidden_dims: [8, 8]
    kernel_size: 5
    padding: 2
  criterion: mse
  metric: ["mae", "rmse", "spearmanr"]
  normalization: False
  num_mlp_layer: 2

eval_metric: spearmanr

optimizer:
  class: Adam
  lr: 1.0e-4

engine:
  class: core.Engine
  gpus: null
  batch_size: 2

train:
  num_epoch: 1
"""


@pytest.fixture
def write(tmp_path):
    """Write a configuration: PEER's with the given pieces replaced, or a text of its own."""

    def write(*replacements, text=PEER):
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return write
