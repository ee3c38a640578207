"""Long lists of indices that are never made."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

import numpy as np


class LazyIndices(Sequence[int]):
    """Indices that are worked out where they are asked for, one or a slice at a time."""

    @abstractmethod
    def at(self, positions: np.ndarray) -> np.ndarray:
        """The indices at the given positions, shape :math:`(n,)`."""

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return self.at(np.array(places, dtype=np.int64)).tolist()
        return int(self.at(np.array([places]))[0])
