"""What a data set, task, model or schedule of one's own may say of itself to a run.

Each attribute may be left out; the value that stands here, if any, is then taken. They come on top
of what TorchDrug asks for: `__getitem__` of a data set, `forward` of a model and so on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class DataSetHooks(Protocol):
    """A data set; it has `__len__`, and `split()` into training, validation and test set."""

    #: Names of the targets, which PropertyPrediction and its like get as their `task`.
    tasks: Sequence[str]
    #: Names of the labels or classes in order, for tasks that compare proteins with texts.
    label_names: Sequence[str] | None = None
    #: Where the data are from, for the run folder; a run resumes on the same data only. The
    #: benchmark's table shows its `protocol`, the way of testing where there are several (None:
    #: the usual one), and `selected_on`, the split that chooses the best epoch (``valid`` unless
    #: it is given).
    manifest: Mapping[str, Any] = {}
    #: Whether a training set has an order of its own, which nobody is to shuffle.
    is_shuffled: bool = False

    def __len__(self) -> int:
        """Number of items."""

    def set_epoch(self, epoch: int, num_ranks: int = 1) -> None:
        """Draw a training set's items anew; `num_ranks` is given where `is_shuffled` holds."""

    def get_batch(self, indices: Sequence[int]) -> Mapping[str, Any]:
        """Items as a batch, where that is faster; for a data set that draws no random numbers."""

    def composition(self) -> Any:
        """What the data set is made of; printed before the training."""


def behind_split(split: Any, name: str) -> Any:
    """Unwrap subsets until one has the attribute; else return the innermost data set.

    Parameters:
        split (Dataset): part of a data set, or the whole
        name (str): the attribute, which a part does not hand on
    """
    while not hasattr(split, name) and hasattr(split, "dataset"):
        split = split.dataset
    return split


class TaskHooks(Protocol):
    """A task; it has its encoder as `model`."""

    #: Fewest items in a batch that it can use, over all processes.
    min_batch_size: int = 1
    #: What an item of a batch is called in the progress.
    unit: str = "items"
    #: Whether it reads no more of `model` than `graph_feature`, so that those can be kept.
    reads_only_graph_feature: bool = False
    #: A TextEncoder of which it reads the `means` of many texts, so that those can be kept, too.
    frozen_text_encoder: Any = None


class Part(NamedTuple):
    """One part of a model, for printing: its name, its size, and where its weights are from."""

    name: str
    num_parameter: int
    trained: bool
    source: str


class ModelHooks(Protocol):
    """A model; the part `protein_encoder`, if any, is what pretraining calls the encoder."""

    def describe(self) -> Sequence[Part]:
        """Its parts with their sizes; printed before the training."""

    def remarks(self) -> Sequence[str]:
        """Sentences on the parts; printed below them."""

    def save_pretrained(self, folder: Any) -> None:
        """Write the best model into the run folder."""


class SchedulerHooks(Protocol):
    """A learning-rate schedule."""

    #: Whether it moves after each optimizer step rather than each epoch.
    per_step: bool = False
    #: Optimizer steps of the whole training, no fewer; if None, `set_num_step` is called.
    num_step: int | None

    def set_num_step(self, num_step: int) -> None:
        """Take up the number of optimizer steps of the whole training."""
