"""Refuses a task whose `preprocess` replaced parts that the optimizer holds."""

from typing import Any

from protclip_td.errors import InputError

# Where an nn.Module keeps what is registered with it.
_REGISTERED = ("_parameters", "_buffers", "_modules")


class TrainedParts:
    """What an optimizer trains of a task, noted before the task's `preprocess` is run.

    Parameters:
        task (nn.Module): the task
        optimizer (Optimizer, optional): without one nothing is trained

    Example::

        >>> task = torch.nn.ModuleDict({"head": torch.nn.Linear(2, 2)})
        >>> parts = TrainedParts(task, torch.optim.SGD(task.parameters()))
        >>> parts.check()  # nothing was replaced
    """

    def __init__(self, task: Any, optimizer: Any = None) -> None:
        self.task = task
        # To be put back; the parts themselves are not copied.
        self.before = {
            key: dict(value) if key in _REGISTERED else value for key, value in vars(task).items()
        }
        groups = optimizer.param_groups if optimizer else ()
        held = {id(parameter) for group in groups for parameter in group["params"]}
        self.names = {id(p): name for name, p in task.named_parameters() if id(p) in held}

    def check(self) -> None:
        """Make sure that the task still has them, or else put them back.

        Raises:
            InputError: it has made some anew; names them
        """
        left = {id(parameter) for parameter in self.task.parameters()}
        lost = {name.partition(".")[0] for key, name in self.names.items() if key not in left}
        if lost:
            self._put_back()
            raise InputError(
                f"{type(self.task).__name__} makes {', '.join(sorted(lost))} anew for each engine, "
                "and the optimizer trains the old; nothing was changed. Go on with the engine that "
                "the task has, or make a new task, then its optimizer, then the engine"
            )

    def _put_back(self) -> None:
        for key, value in self.before.items():
            if key in _REGISTERED:
                registered = vars(self.task)[key]
                registered.clear()
                registered.update(value)
            else:
                vars(self.task)[key] = value
