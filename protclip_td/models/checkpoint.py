"""ProtCLIP checkpoints on disk, in the layout of the published one.

A folder with `config.json`, `model.safetensors` and, in ours, the text tokenizer. The published
file also has tensors that nothing reads; they are kept aside and written back.
"""

import json
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from protclip_td.compat import torch_modules
from protclip_td.errors import InputError
from protclip_td.models.weights import load_tensors, new_esm, read_tokenizer

if TYPE_CHECKING:
    from transformers import BertModel, EsmModel

    from protclip_td.models.protclip import ProtCLIP

CONFIG_FILE, TENSOR_FILE = "config.json", "model.safetensors"
# Our names on the left, the published ones on the right.
_PREFIXES = (
    ("protein_encoder.model.", "protein_model."),
    ("text_encoder.model.", "text_model."),
    ("reconstruction_head.", "t2p_mlm_head."),
    ("biotext_attention.", "decoder."),
    ("property_bank.", "proto_bank."),
)
_ROTARY = "protein_model.rotary_embeddings.inv_freq"
_LAYER_ROTARY = "protein_model.encoder.layer.{}.attention.self.rotary_embeddings.inv_freq"
# The fields of the published config that describe its training; only written, never read.
_FIELDS: dict[str, Any] = {
    "architectures": ["FSTForPretrain"],
    "model_type": "FST",
    "fusion_batch_norm": True,
    "fusion_num_heads": 8,
    "fusion_num_layers": 1,
    "local_contrast": 1,
    "local_logit_scale_init": 0.1,
    "local_pool": "avg",
    "logit_scale_init": 0.07,
    "mlp_num_layers": 2,
    "mmp": 0,
    "protein_mask_probability": 0.15,
    "t2p_mlm": 1,
    "text_mask_probability": 0.15,
    "torch_dtype": "float32",
}


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


def read_checkpoint(folder: str | Path) -> Checkpoint:
    """Read a checkpoint's folder, ours or the published one.

    Raises:
        InputError: a file is missing or damaged, or it is not a ProtCLIP checkpoint
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder).expanduser()
    for name in (CONFIG_FILE, TENSOR_FILE):
        if not (folder / name).is_file():
            raise InputError(
                f"checkpoint {str(folder)!r}: there is no {name}; expected a folder of the "
                f"published layout with {CONFIG_FILE} and {TENSOR_FILE}"
            )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text())
        tensors = load_file(folder / TENSOR_FILE)
    except json.JSONDecodeError as error:
        raise InputError(f"{folder / CONFIG_FILE} is damaged: {error}") from error
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{folder / TENSOR_FILE} is damaged or incomplete ({error}); fetch or save it again"
        ) from error
    if "protein_model_config" not in config:
        raise InputError(f"{folder / CONFIG_FILE} is not a ProtCLIP checkpoint's")
    return Checkpoint(folder, config, tensors)


def make_encoders(checkpoint: Checkpoint) -> tuple["EsmModel", "BertModel | None"]:
    """The two encoders by the checkpoint's config, not yet loaded; one without text has one."""
    from transformers import BertConfig, BertModel, EsmConfig

    protein = new_esm(EsmConfig(**checkpoint.config["protein_model_config"]))
    text_config = checkpoint.config.get("text_model_config")
    if text_config is None:
        return protein, None
    with torch_modules():
        return protein, BertModel(BertConfig(**text_config), add_pooling_layer=False)


def find_tokenizer(folder: Path) -> Any:
    """The tokenizer in a checkpoint's folder; None if there is none, as in the published one."""
    names = ("tokenizer.json", "vocab.txt")
    return read_tokenizer(str(folder)) if any((folder / name).exists() for name in names) else None


def load_weights(model: "ProtCLIP", checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Load a checkpoint's tensors into a model of its sizes.

    Returns:
        the tensors that the model has no use for, by their published names

    Raises:
        InputError: lists every tensor that is missing or has another shape
    """
    tensors = dict(checkpoint.tensors)
    if "local_logit_scale" in tensors:
        tensors["local_logit_scale"] = tensors["local_logit_scale"].flatten()[0]
    rotary = tensors.get(_LAYER_ROTARY.format(0))
    if rotary is None:
        rotary = model.protein_encoder.model.rotary_embeddings.inv_freq
    tensors.setdefault(_ROTARY, rotary)
    wanted = {published_name(name): name for name in model.state_dict()}
    ours = {wanted[name]: tensor for name, tensor in tensors.items() if name in wanted}
    load_tensors(model, ours, str(checkpoint.folder / TENSOR_FILE))
    unused = {name: t for name, t in checkpoint.tensors.items() if name not in wanted}
    if "local_logit_scale" in checkpoint.tensors:
        unused["local_logit_scale"] = checkpoint.tensors["local_logit_scale"]
    return unused


def published_name(name: str) -> str:
    """The published name of one of our tensors.

    Example::

        >>> published_name("property_bank.prototype.weight")
        'proto_bank.prototype.weight'
    """
    for ours, published in _PREFIXES:
        if name.startswith(ours):
            return published + name.removeprefix(ours)
    return name


def save_checkpoint(model: "ProtCLIP", folder: str | Path) -> None:
    """Write a model in the published layout; readers see the old folder or the new one.

    Parameters:
        model (ProtCLIP): the model
        folder (str): made, with the folders above it; what is there already is replaced
    """
    from safetensors.torch import save_file

    folder = Path(folder).expanduser().absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        save_file(published_tensors(model), scratch / TENSOR_FILE, metadata={"format": "pt"})
        config = json.dumps(published_config(model), indent=2, sort_keys=True)
        (scratch / CONFIG_FILE).write_text(config + "\n")
        if model.text_encoder is not None and model.text_encoder.tokenizer is not None:
            model.text_encoder.tokenizer.save_pretrained(scratch)
        _put_in_place(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(scratch: Path, folder: Path) -> None:
    """Rename a finished folder to its name, over one that may be there."""
    for file in scratch.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    if folder.exists():
        former = scratch.with_name(scratch.name + ".former")
        folder.rename(former)
        scratch.rename(folder)
        shutil.rmtree(former)
    else:
        scratch.rename(folder)


def published_tensors(model: "ProtCLIP") -> dict[str, Tensor]:
    """All tensors of the published layout, on the CPU, contiguous, none sharing memory."""
    tensors = {published_name(name): t for name, t in model.state_dict().items()}
    rotary = tensors.pop(_ROTARY)
    for i in range(model.protein_encoder.model.config.num_hidden_layers):
        tensors[_LAYER_ROTARY.format(i)] = rotary
    unused = {**unread_tensors(model), **model.unused_tensors}
    if "local_logit_scale" in tensors:
        first = tensors["local_logit_scale"].cpu().reshape(1)
        tensors["local_logit_scale"] = torch.cat([first, unused["local_logit_scale"][1:]])
    tensors = {**unused, **tensors}
    return {name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}


def unread_tensors(model: "ProtCLIP") -> dict[str, Tensor]:
    """Zeros in place of the tensors that the published file has and nothing reads.

    With them a strict reader of the published layout finds all it expects.
    """
    config = model.protein_encoder.model.config
    width = config.hidden_size
    heads = config.num_hidden_layers * config.num_attention_heads
    shapes: dict[str, tuple[int, ...]] = {
        "protein_model.contact_head.regression.weight": (1, heads),
        "protein_model.contact_head.regression.bias": (1,),
        "protein_model.embeddings.position_embeddings.weight": (
            config.max_position_embeddings,
            width,
        ),
        **_linear("protein_model.pooler.dense", width, width),
    }
    if model.text_encoder is not None:
        width, d = model.text_encoder.hidden_size, model.projection_dim
        shapes |= _linear("text_model.pooler.dense", width, width)
        for part in ("key1", "key2", "query1", "query2", "value1", "value2"):
            shapes |= _linear(f"local_cross_attention.{part}", d, d)
        shapes |= _linear("predictor.0", d, d // 2) | _linear("predictor.2", d // 2, d)
    zeros = {name: torch.zeros(shape) for name, shape in shapes.items()}
    return {**zeros, "local_logit_scale": torch.full((2,), math.log(1 / 0.1))}


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a linear layer's two tensors."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def published_config(model: "ProtCLIP") -> dict[str, Any]:
    """`config.json` of the published layout."""
    fields = {**_FIELDS, **model.config_fields}
    fields["protein_model_config"] = model.protein_encoder.model.config.to_dict()
    if model.text_encoder is not None:
        text = model.text_encoder.model.config
        d = model.projection_dim
        fields["text_model_config"] = text.to_dict()
        fields["hidden_sizes"] = [model.protein_encoder.hidden_size, text.hidden_size, d]
        fields |= {"projection_dim": d, "proto_dim": d, "proto_num": model.num_prototype}
    return fields
