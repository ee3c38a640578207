"""The arguments of `__init__`, which TorchDrug keeps for `config_dict`."""

from pathlib import PurePath
from typing import Any


def name_paths(configurable: Any) -> None:
    """Let the settings of an object name files and folders as text, however they were given.

    Parameters:
        configurable (Configurable): in its `__init__`, where TorchDrug has kept the arguments
    """
    configurable._config = {
        name: str(value) if isinstance(value, PurePath) else value
        for name, value in configurable._config.items()
    }
