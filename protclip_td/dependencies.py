"""Says which piece of TorchDrug's stack is missing, and the command that brings it.

TorchDrug 0.2.1 cannot be a plain requirement of this package: its metadata refuses Python 3.11
and asks for `rdkit-pypi`, which is no longer made. So the pieces are looked for at import.
"""

import importlib

# In the order in which they can be installed: each piece needs the ones before it.
_PIECES = (
    ("torch", "PyTorch", 'pip install "torch==2.13.0"'),
    (
        "torch_scatter",
        "torch-scatter",
        'pip install "setuptools<81" wheel && pip install --no-build-isolation torch-scatter',
    ),
    (
        "torch_cluster",
        "torch-cluster",
        'pip install scipy "setuptools<81" wheel && pip install --no-build-isolation torch-cluster',
    ),
    ("rdkit.Chem.Draw.mplCanvas", "an RDKit that TorchDrug can use", 'pip install "rdkit<2024.9"'),
    (
        "torchdrug",
        "TorchDrug 0.2.1",
        "pip install --no-deps --ignore-requires-python torchdrug==0.2.1 && "
        "pip install decorator matplotlib tqdm networkx ninja jinja2 lmdb six fair-esm",
    ),
)


def check_dependencies() -> None:
    """Import TorchDrug and what it stands on.

    Raises:
        ImportError: names the first piece that is missing or cannot be loaded, why, and the
            command that installs it.
    """
    for module, piece, command in _PIECES:
        try:
            importlib.import_module(module)
        except (ImportError, OSError) as error:
            raise ImportError(
                f"protclip_td needs {piece}, which could not be imported ({error}). "
                f"Install it with:\n    {command}"
            ) from error
