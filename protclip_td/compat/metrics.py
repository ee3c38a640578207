"""Replaces TorchDrug's metrics, and tells under which names it reports them."""

from collections.abc import Callable

from torchdrug import core, metrics, tasks


def replaces_metric(key: str) -> Callable[[Callable], Callable]:
    """Put a function in the place of one of TorchDrug's metrics, for all tasks.

    TorchDrug's tasks look their metrics up in `torchdrug.metrics`; its registry knows them, too.
    Its own function stays in `torchdrug.metrics.metric`.

    Parameters:
        key (str): registered name without ``metrics.``, such as ``f1_max``
    """

    def put(function: Callable) -> Callable:
        registered = core.Registry.table["metrics"]
        for name, value in list(vars(metrics).items()):
            if value is registered[key]:  # under its full name, and some under a short one
                setattr(metrics, name, function)
        registered[key] = function
        function._registry_key = f"metrics.{key}"  # type: ignore[attr-defined]
        return function

    return put


def metric_name(key: str) -> str:
    """Name under which TorchDrug's tasks report a metric, such as ``accuracy`` for ``acc``."""
    return tasks._get_metric_name(key)


def criterion_name(key: str) -> str:
    """Name under which TorchDrug's tasks report a loss, such as ``cross entropy`` for ``ce``."""
    return tasks._get_criterion_name(key)
