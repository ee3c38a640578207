"""ProtCLIP in TorchDrug. Importing this package registers its data sets, models and tasks.

Example::

    >>> import protclip_td
    >>> from torchdrug import core
    >>> core.Registry.search("ProtCLIP")
    <class 'protclip_td.models.protclip.ProtCLIP'>
"""

from protclip_td.dependencies import check_dependencies

check_dependencies()

from protclip_td import compat, datasets, engine, models, schedulers, tasks  # noqa: E402
from protclip_td.version import __version__  # noqa: E402

compat.apply()

__all__ = ["__version__", "datasets", "engine", "models", "schedulers", "tasks"]
