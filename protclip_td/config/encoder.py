"""The encoder at `task.model`: a name or path in the place of a block with a `class`."""

from typing import Any

from protclip_td.config.classes import arguments, class_kind, find_class, registered_key
from protclip_td.config.document import Document
from protclip_td.config.mistakes import Mistake
from protclip_td.config.template import MISSING, read_value
from protclip_td.errors import InputError
from protclip_td.models.checkpoint import is_model_folder, is_protclip_folder
from protclip_td.models.weights import RANDOM, existing_path

#: Arguments of TorchDrug's encoders where only their name is given, by key: PEER's settings.
PEER_SETTINGS: dict[str, dict[str, Any]] = {
    "models.ProteinConvolutionalNetwork": {
        "input_dim": 21,
        "hidden_dims": [1024, 1024],
        "kernel_size": 5,
        "padding": 2,
    },
    "models.ProteinResNet": {
        "input_dim": 21,
        "hidden_dims": [512] * 8,
        "layer_norm": True,
        "dropout": 0.1,
    },
    "models.ProteinLSTM": {"input_dim": 21, "hidden_dim": 640, "num_layers": 3},
    "models.ProteinBERT": {
        "input_dim": 21,
        "hidden_dim": 512,
        "num_layers": 4,
        "num_heads": 8,
        "intermediate_dim": 2048,
    },
}
# What names the weights in a model's block: ProtCLIP's arguments, and that of TorchDrug's ESM.
_SOURCES = ("checkpoint", "protein_encoder", "path")
_WEIGHTS = (".pt", ".pth", ".bin", ".safetensors")
_CHOICE = (
    "a ProtCLIP folder, random:ESM-2-8M, an ESM-2 folder, hub name or .pt file, "
    "a registered model such as ProteinCNN, or one of your own module, my_models.MyEncoder"
)


def encoder_block(encoder: str) -> dict[str, Any]:
    """The `model` block that a name or path stands for.

    Parameters:
        encoder (str): a ProtCLIP folder, whatever `ProtCLIP` takes as its `protein_encoder`, or
            the name of a registered model, of which TorchDrug's get PEER's settings

    Raises:
        InputError: none of them

    Example::

        >>> encoder_block("random:ESM-2-8M")
        {'class': 'ProtCLIP', 'protein_encoder': 'random:ESM-2-8M'}
    """
    if is_protclip_folder(encoder):
        return {"class": "ProtCLIP", "checkpoint": encoder}
    if existing_path(encoder) or _names_weights(encoder):
        return {"class": "ProtCLIP", "protein_encoder": encoder}
    try:
        cls = find_class(encoder, "models")
    except InputError as error:
        raise InputError(f"{error}; expected {_CHOICE}") from None
    if class_kind(cls) != "models":
        raise InputError(f"`{encoder}` is one of {class_kind(cls)}; expected {_CHOICE}")
    # By the registered key, which only one class can have: one's own may have the same name.
    return {"class": encoder, **PEER_SETTINGS.get(registered_key(cls), {})}


def _names_weights(encoder: str) -> bool:
    """Whether a word that is no path here is a path elsewhere, a hub name, or random weights.

    A dot alone says nothing: the keys of registered models have one.
    """
    return "/" in encoder or ":" in encoder or encoder.lower().endswith(_WEIGHTS)


def given_block(encoder: str) -> dict[str, Any]:
    """The `model` block of an encoder as a flag gives it: by name or path, or as a block."""
    value = read_value(encoder)
    return value if isinstance(value, dict) else encoder_block(encoder)


def starts_from_scratch(encoder: str) -> bool:
    """Whether an encoder, given by name or as a block, has random weights to start from.

    Example::

        >>> starts_from_scratch("{class: ESM, path: ~/esm-model-weights, model: ESM-2-8M}")
        False
    """
    block = given_block(encoder)
    sources = [str(block[key]) for key in _SOURCES if block.get(key)]
    return all(source.startswith(RANDOM) for source in sources)


def expand_encoder(document: Document) -> list[Mistake]:
    """Put a block in the place of a name, or of nothing, at `task.model`.

    Returns:
        list of Mistake: what is wrong with the name
    """
    task = document.values.get("task")
    if not isinstance(task, dict) or isinstance(task.get("model"), (dict, list)):
        return []
    if MISSING in str(task.get("model")):
        return []
    line = document.lines.get(("task", "model"))
    checkpoint = document.values.get("checkpoint")
    has_folder = isinstance(checkpoint, str) and is_model_folder(checkpoint)
    encoder = task.get("model")
    if isinstance(encoder, str):
        if has_folder:
            both = f"{encoder} given, and the folder {checkpoint} as `checkpoint`"
            return [Mistake("task.model", f"{both}; give one of them", line)]
        try:
            task["model"] = encoder_block(encoder)
        except InputError as error:
            return [Mistake("task.model", str(error), line)]
    elif encoder is None and has_folder:
        task["model"] = {"class": "ProtCLIP"}  # filled from the folder when it is built
    elif encoder is None and "model" in task and _needs_model(task):
        return [Mistake("task.model", _missing(checkpoint), line)]
    return []


def _needs_model(task: dict[str, Any]) -> bool:
    try:
        known, _ = arguments(find_class(str(task.get("class")), "tasks"))
    except InputError:
        return False  # said elsewhere
    return "model" in known and known["model"].required


def _missing(checkpoint: Any) -> str:
    if isinstance(checkpoint, str):
        return f"no encoder, and `checkpoint` {checkpoint} is no folder; expected {_CHOICE}"
    return f"no encoder; expected {_CHOICE}"
