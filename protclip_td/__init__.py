"""ProtCLIP in TorchDrug. Importing this package registers its data sets, models and tasks.

With `PROTCLIP_TD_REGISTER=0` in the environment it does not, and neither TorchDrug nor PyTorch is
loaded: programs that only make or read stores of pairs then need a fifth of the memory. The
command `protclip-td protanno` sets it by itself.

Example::

    >>> import protclip_td
    >>> from torchdrug import core
    >>> core.Registry.search("ProtCLIP")
    <class 'protclip_td.models.protclip.ProtCLIP'>
"""

import os

from protclip_td.version import __version__

__all__ = ["__version__"]

if os.environ.get("PROTCLIP_TD_REGISTER") != "0":
    from protclip_td.dependencies import check_dependencies

    check_dependencies()

    from protclip_td import compat, datasets, engine, models, schedulers, tasks

    compat.apply()

    __all__ += ["datasets", "engine", "models", "schedulers", "tasks"]
