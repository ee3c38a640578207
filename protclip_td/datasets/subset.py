"""The training rows of a data set, drawn anew each epoch."""

import numpy as np
from torch.utils import data as torch_data

from protclip_td.data.sampling import PropertyDrivenDraw, entry_weight
from protclip_td.properties import COVERAGES


class PropertyDrivenSubset(torch_data.Subset):
    """Training rows, drawn anew each epoch by sample confidence and property coverage.

    A data loader sees a data set of `num_draws` items. `set_epoch` decides which they are; an
    epoch's draw depends on nothing but the seed and the epoch. Importing protclip_td lets
    `DistributedSampler.set_epoch` call it, so TorchDrug's own engine draws anew as well.

    Parameters:
        dataset (torch_data.Dataset): where items come from
        rows (array): rows of the data set to draw from, shape :math:`(n,)`
        confidence (array): sample confidence of each row, shape :math:`(n,)`
        coverage (array): number of properties of each row, shape :math:`(n,)`
        num_draws (int): items per epoch
        exponents (tuple of float): of confidence and of coverage, (−3, ½) in the paper
        seed (int): another seed, another draw

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on property-driven sampling.
    """

    def __init__(
        self,
        dataset: torch_data.Dataset,
        rows: np.ndarray,
        confidence: np.ndarray,
        coverage: np.ndarray,
        num_draws: int,
        exponents: tuple[float, float] = (-3.0, 0.5),
        seed: int = 0,
    ) -> None:
        cell = (confidence.astype(np.int64) - 1) * len(COVERAGES) + coverage - 1
        self._cells, group = np.unique(cell, return_inverse=True)
        sizes = np.bincount(group)
        self._rows = rows[np.argsort(group, kind="stable")]  # group after group
        self._begins = np.cumsum(sizes) - sizes
        level, present = np.divmod(self._cells, len(COVERAGES))
        weights = entry_weight(level + 1, present + 1, *exponents)
        self.draw = PropertyDrivenDraw(sizes, weights, num_draws, seed)
        super().__init__(dataset, [])
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the items of an epoch, counted from 0."""
        group, rank = self.draw.order(epoch)(np.arange(self.draw.num_draws))
        self.indices = self._rows[self._begins[group] + rank]  # type: ignore[assignment]

    def probabilities(self) -> np.ndarray:
        """Share of the draws by confidence and coverage, shape :math:`(5, 4)`."""
        table = np.zeros(20)
        table[self._cells] = self.draw.probabilities
        return table.reshape(5, 4)
