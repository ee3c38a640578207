"""What the training loop tells to whoever listens: recorders, progress bars, tables."""

from typing import Any, NamedTuple

#: Numbers of a step or an epoch by name, as in ``metrics.jsonl``.
Row = dict[str, Any]
_NO_LOSS = {"kind", "step", "epoch", "lr", "gradient norm"}


def losses_of(row: Row) -> dict[str, float]:
    """The losses among the numbers of a step."""
    return {
        name: value
        for name, value in row.items()
        if name not in _NO_LOSS and not name.endswith("_per_s")
    }


class Plan(NamedTuple):
    """How long the training is, and what a step counts.

    `unit` is what one item of a batch is called, such as ``pairs``.
    """

    num_epoch: int
    steps_per_epoch: int
    unit: str


class Listener:
    """Hears of the training; each method may be left as it is.

    Listeners run on rank 0 only and must not touch random numbers or the model.
    """

    def on_epoch_start(self, plan: Plan, epoch: int, step: int) -> None:
        """Hear that `epoch` begins, or goes on after `step` of its steps."""

    def on_step(self, row: Row) -> None:
        """Hear of one optimizer step."""

    def on_epoch(self, row: Row) -> None:
        """Hear of a finished epoch, validation included."""

    def on_checkpoint(self) -> None:
        """Hear that a checkpoint is about to be written."""

    def on_notice(self, text: str) -> None:
        """Hear something the user should read."""

    def on_end(self) -> None:
        """Hear that training is over, whatever the reason."""
