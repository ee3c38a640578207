"""ProtCLIP checkpoints on disk, in the layout of the published one.

A folder with `config.json`, `model.safetensors` and, in ours, the text tokenizer.
"""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from protclip_td.compat.modules import torch_modules
from protclip_td.errors import InputError
from protclip_td.models.esm_config import new_esm
from protclip_td.models.published import published_config, published_tensors
from protclip_td.models.weights import VOCABULARY_FILES, read_tokenizer
from protclip_td.whole_files import sync_folder

if TYPE_CHECKING:
    from transformers import BertModel, EsmModel

    from protclip_td.models.protclip import ProtCLIP

CONFIG_FILE, TENSOR_FILE = "config.json", "model.safetensors"


class Checkpoint(NamedTuple):
    """What a checkpoint's folder holds.

    Parameters:
        folder (Path): where it was read
        config (dict): `config.json`
        tensors (dict): tensors by their published names
    """

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def tensor_file(self) -> Path:
        """The file that the tensors are from."""
        return self.folder / TENSOR_FILE


def read_checkpoint(folder: str | Path) -> Checkpoint:
    """Read a checkpoint's folder, ours or the published one.

    Raises:
        InputError: a file is missing or damaged, or it is not a ProtCLIP checkpoint
    """
    folder = Path(folder).expanduser()
    for name in (CONFIG_FILE, TENSOR_FILE):
        if not (folder / name).is_file():
            raise InputError(
                f"checkpoint {str(folder)!r}: there is no {name}; expected a folder of the "
                f"published layout with {CONFIG_FILE} and {TENSOR_FILE}{_of_run(folder)}"
            )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text())
    except (ValueError, OSError) as error:
        raise InputError(
            f"{folder / CONFIG_FILE} is damaged ({error}); fetch or save it again"
        ) from error
    if not isinstance(config, dict) or "protein_model_config" not in config:
        raise InputError(
            f"{folder / CONFIG_FILE} is not a ProtCLIP checkpoint's: it lacks "
            "`protein_model_config`; give a plain ESM-2 as `protein_encoder` (--encoder downstream)"
        )
    try:
        tensors = load_file(folder / TENSOR_FILE)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{folder / TENSOR_FILE} is damaged or incomplete ({error}); fetch or save it again"
        ) from error
    return Checkpoint(folder, config, tensors)


def _of_run(place: Path) -> str:
    """A hint to the model of a run, where its folder or a checkpoint in it was given."""
    around = (place, *place.absolute().parents[:2])
    models = (folder / "model" for folder in around if is_protclip_folder(folder / "model"))
    return next((f"; did you mean {model}?" for model in models), "")


def is_model_folder(path: str) -> bool:
    """Whether a `checkpoint` is a folder with a model's own files, rather than a file of a run."""
    return Path(path).expanduser().is_dir()


def is_protclip_folder(path: str | Path) -> bool:
    """Whether a folder holds a ProtCLIP checkpoint, rather than a plain ESM-2 or BERT."""
    try:
        config = json.loads((Path(path).expanduser() / CONFIG_FILE).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "protein_model_config" in config


def make_encoders(checkpoint: Checkpoint) -> tuple["EsmModel", "BertModel | None"]:
    """The two encoders by the checkpoint's config, not yet loaded; one without text has one.

    Raises:
        InputError: the config describes none
    """
    from transformers import BertConfig, BertModel, EsmConfig

    text_config = checkpoint.config.get("text_model_config")
    try:
        protein = new_esm(EsmConfig(**checkpoint.config["protein_model_config"]))
        if text_config is None:
            return protein, None
        with torch_modules():
            return protein, BertModel(BertConfig(**text_config), add_pooling_layer=False)
    except Exception as error:  # transformers has an error of its own for a wrong type
        raise InputError(
            f"{checkpoint.folder / CONFIG_FILE} describes no encoders that can be made: {error}"
        ) from error


def find_tokenizer(folder: Path) -> Any:
    """The tokenizer in a checkpoint's folder; None if there is none, as in the published one."""
    found = any((folder / name).exists() for name in VOCABULARY_FILES)
    return read_tokenizer(str(folder)) if found else None


def save_checkpoint(model: "ProtCLIP", folder: str | Path) -> None:
    """Write a model in the published layout; nobody sees half a file.

    Parameters:
        model (ProtCLIP): the model
        folder (str): made, with the folders above it; other files there stay

    Raises:
        InputError: the folder cannot be made
        OSError: the disk does not take it; what was there stays
    """
    folder = Path(folder).expanduser().absolute()
    scratch = folder / f".{uuid4().hex}"
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made a folder: {error.strerror}") from error
    try:
        config = json.dumps(published_config(model), indent=2, sort_keys=True)
        (scratch / CONFIG_FILE).write_text(config + "\n")
        save_file(published_tensors(model), scratch / TENSOR_FILE, metadata={"format": "pt"})
        # safetensors lets nobody else read it.
        (scratch / TENSOR_FILE).chmod((scratch / CONFIG_FILE).stat().st_mode)
        if model.text_encoder is not None and model.text_encoder.tokenizer is not None:
            model.text_encoder.tokenizer.save_pretrained(scratch)
        _put_in_place(scratch, folder)
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error), str(folder / TENSOR_FILE)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(scratch: Path, folder: Path) -> None:
    """Move finished files; the config, which makes a folder a checkpoint, comes last."""
    files = sorted(scratch.iterdir(), key=lambda file: file.name == CONFIG_FILE)
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    for file in files:
        os.replace(file, folder / file.name)
    sync_folder(folder)
