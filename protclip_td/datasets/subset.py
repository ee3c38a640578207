"""The training rows of a data set, drawn anew each epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils import data as torch_data
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.data.sampling.rows import Rows, draw_rows
from protclip_td.data.store.manifest import Group
from protclip_td.properties import GROUPS_SHAPE

_KEY = "dataset.PropertyDrivenSubset"


@R.register(_KEY)
class PropertyDrivenSubset(torch_data.Subset):
    """Training rows, drawn anew each epoch by sample confidence and property coverage.

    A data loader sees a data set of `num_draws` items. `set_epoch` decides which they are; an
    epoch's draw depends on nothing but the seed and the epoch. Importing protclip_td lets
    `DistributedSampler.set_epoch` call it, so TorchDrug's own engine draws anew as well.

    The items are shuffled already, and in a way that keeps reading cheap, for each of several ranks
    as well. `is_shuffled` says so to `DistributedSampler`, which then leaves their order alone.
    A `Subset` of this set keeps positions, not items, so its items change every epoch. For
    validation use the data set's own splits.

    Parameters:
        dataset (torch_data.Dataset): where items come from
        stretches (sequence of Group): rows of the data set to draw from
        num_draws (int): items per epoch
        exponents (tuple of float): of confidence and of coverage
        seed (int): another seed, another draw

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
    """

    is_shuffled = True
    dataset: Any

    def __init__(
        self,
        dataset: torch_data.Dataset,
        stretches: Sequence[Group],
        num_draws: int,
        exponents: tuple[float, float],
        seed: int,
    ) -> None:
        super().__init__(dataset, [])
        self.stretches = stretches
        self.draw = draw_rows(stretches, num_draws, exponents, seed)
        self.set_epoch(0)

    def set_epoch(self, epoch: int, num_ranks: int = 1) -> None:
        """Draw the items of an epoch, counted from 0, in an order that is good for so many ranks.

        Which items are drawn does not depend on the number of ranks.
        """
        self.indices = Rows(self.stretches, self.draw.order(epoch, num_ranks))

    def config_dict(self) -> dict[str, Any]:
        """The data set's own configuration, which decides what its training split draws."""
        return {"class": _KEY, "dataset": self.dataset.config_dict()}

    @classmethod
    def load_config_dict(cls, config: Mapping[str, Any]) -> "PropertyDrivenSubset":
        """The training split of a data set like that of `config_dict`."""
        return core.Configurable.load_config_dict(config["dataset"]).split()[0]

    def probabilities(self) -> np.ndarray:
        """Share of the draws by confidence and coverage, shape :math:`(5, 4)`."""
        table = np.zeros(GROUPS_SHAPE)
        confidence, coverage, *_ = np.array(self.stretches).T
        table[confidence - 1, coverage - 1] = self.draw.probabilities
        return table
