"""Where a training stands, as a checkpoint keeps it."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Position:
    """Where a training stands.

    Parameters:
        epoch (int): epochs completed, their validation included
        batch (int): batches of the current epoch done, always whole optimizer steps
        step (int): optimizer steps done since the beginning
        seconds (float): seconds spent in the current epoch
        num_row (int): steps behind `sums`
        sums (dict): sum of each training metric over the current epoch's steps
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    num_row: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def add_step(self, metrics: dict[str, float], num_batch: int, seconds: float) -> None:
        """Move on by one optimizer step over `num_batch` batches."""
        self.step += 1
        self.batch += num_batch
        self.seconds += seconds
        self.num_row += 1
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def means(self) -> dict[str, float]:
        """Average the training metrics over the current epoch so far."""
        return {name: total / self.num_row for name, total in self.sums.items()}

    def close_epoch(self) -> None:
        """Move on to the next epoch."""
        self.epoch += 1
        self.batch, self.seconds, self.num_row, self.sums = 0, 0.0, 0, {}

    def state_dict(self) -> dict[str, Any]:
        """Return the plain state for a checkpoint."""
        return asdict(self)
