"""What tasks have in common that measure a model as it is."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torchdrug import tasks

from protclip_td.errors import InputError


class UntrainedTask(tasks.Task):
    """A task that only predicts and evaluates: run it with ``train: {num_epoch: 0}``."""

    #: The embeddings of a fixed model can be kept from run to run.
    reads_only_graph_feature = True

    def forward(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Refuse to be trained.

        Raises:
            InputError: always
        """
        raise InputError(
            f"{type(self).__name__} has nothing to train: it takes the model as it is. Set "
            "`train: {num_epoch: 0}`"
        )
