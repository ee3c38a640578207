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
        """Tell a scheduler that needs to know it how many optimizer steps there will be."""
        if self.is_per_step and getattr(self.scheduler, "num_step", num_step) is None:
            self.scheduler.set_num_step(num_step)

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
                "scheduler: ReduceLROnPlateau needs a validation metric. Set eval_metric to one."
            )
        else:
            self.scheduler.step(value)
