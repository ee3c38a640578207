"""Learning-rate schedules that TorchDrug and PyTorch lack."""

import torch
from torch import optim
from torch.optim.lr_scheduler import LRScheduler
from torchdrug import core
from torchdrug.core import Registry as R

from protclip_td.checks import check_positive
from protclip_td.errors import InputError


@R.register("scheduler.LinearWarmupDecay")
class LinearWarmupDecay(LRScheduler, core.Configurable):
    """Linear warm-up to the full learning rate, then linear decay to zero, step by step.

    With T steps of which W warm up, step t = 0, 1, … runs at the rate times (t + 1) / W during
    warm-up and (T - t) / (T - W) after it. ProtCLIP's released code warms up over 3 % of the
    steps.

    TorchDrug's own ``core.Engine`` moves schedules once in each epoch: there a step is an epoch.

    Parameters:
        optimizer (Optimizer): wrapped optimizer
        num_step (int, optional): optimizer steps of the whole training (T). By default
            :class:`ResumableEngine <protclip_td.engine.ResumableEngine>` fills it in.
        warmup_ratio (float, optional): share of the steps that warm up, from 0 to 1

    Raises:
        InputError: `warmup_ratio` is outside [0, 1], or `num_step` is less than 1

    Example::

        >>> optimizer = optim.Adam(model.parameters(), lr=1e-5)
        >>> scheduler = LinearWarmupDecay(optimizer, num_step=100, warmup_ratio=0.02)
        >>> scheduler.get_last_lr()  # half of 1e-5, then 1e-5, then down to 1e-7
        [5e-06]
    """

    # TorchDrug leaves this out of `config_dict`: an object, not a setting.
    _ignore_args = ("optimizer",)
    # Tells the engine to call `step` after each optimizer step rather than each epoch.
    per_step = True

    def __init__(
        self, optimizer: optim.Optimizer, num_step: int | None = None, warmup_ratio: float = 0.03
    ) -> None:
        if not 0 <= warmup_ratio <= 1:
            raise InputError(
                f"warmup_ratio: {warmup_ratio} given; expected the share of the steps that warm "
                "up, from 0 to 1, such as 0.03"
            )
        self.warmup_ratio = warmup_ratio
        check_positive("num_step", num_step)
        self.num_step = num_step
        super().__init__(optimizer)

    def set_num_step(self, num_step: int) -> None:
        """Fill in the number of optimizer steps of the whole training."""
        check_positive("num_step", num_step)
        self.num_step = num_step
        rates = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates):
            group["lr"] = lr
        self._last_lr = list(rates)

    def get_lr(self) -> list[float | torch.Tensor]:
        """Compute the learning rate of each parameter group for the coming step."""
        if self.num_step is None and self.last_epoch == 0:
            return list(self.base_lrs)
        return [lr * self._factor(self.last_epoch) for lr in self.base_lrs]

    def _factor(self, step: int) -> float:
        if self.num_step is None:
            raise InputError(
                "scheduler: LinearWarmupDecay does not know how long the training is. Give "
                "num_step, or use core.ResumableEngine, which fills it in."
            )
        warmup = round(self.num_step * self.warmup_ratio)
        if step < warmup:
            return (step + 1) / warmup
        return max(0.0, (self.num_step - step) / max(1, self.num_step - warmup))
