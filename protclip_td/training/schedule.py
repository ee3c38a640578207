"""When a learning-rate scheduler moves, and on what."""

from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from protclip_td.errors import InputError
from protclip_td.hooks import SchedulerHooks


class Schedule:
    """Steps a scheduler at the right moments.

    Schedulers whose class says ``per_step = True`` move after each optimizer step, all others
    after each epoch; `ReduceLROnPlateau` gets the validation metric.

    Parameters:
        scheduler (LRScheduler, optional): none leaves the learning rate alone
    """

    def __init__(self, scheduler: Any = None) -> None:
        self.scheduler = scheduler
        self.is_per_step = getattr(scheduler, "per_step", SchedulerHooks.per_step)

    def set_num_step(self, num_step: int) -> None:
        """Tell a scheduler that needs to know it how many optimizer steps there will be.

        Raises:
            InputError: it knows already, and it is fewer: the rest would train at the rate it ends
                with, which is 0
        """
        if not self.is_per_step or not hasattr(self.scheduler, "num_step"):
            return
        if self.scheduler.num_step is None:
            self.scheduler.set_num_step(num_step)
        elif self.scheduler.num_step < num_step:
            raise InputError(
                f"scheduler: it ends after {self.scheduler.num_step} optimizer steps, and the "
                f"training after {num_step}. Give the scheduler num_step: {num_step}, or all "
                "epochs to one call of `train`."
            )

    def after_step(self) -> None:
        """Move a per-step scheduler."""
        if self.is_per_step:
            self.scheduler.step()

    def after_epoch(self, value: float | None) -> None:
        """Move a per-epoch scheduler.

        Parameters:
            value (float, optional): the validation metric that decides

        Raises:
            InputError: `ReduceLROnPlateau` without such a metric
        """
        if self.scheduler is None or self.is_per_step:
            return
        if not isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step()
        elif value is None:
            raise InputError(
                "scheduler: ReduceLROnPlateau needs a validation metric. Set eval_metric to one; "
                "in Python call `fit`, which takes it, since `train` does not validate."
            )
        else:
            self.scheduler.step(value)
