"""Which encoder reads a task's texts, and with which tokenizer."""

from pathlib import Path
from typing import Any

from protclip_td.errors import InputError
from protclip_td.models.checkpoint import is_protclip_folder
from protclip_td.models.protclip import ProtCLIP
from protclip_td.models.text_encoder import TextEncoder
from protclip_td.models.weights import read_tokenizer, text_model

PUBMEDBERT = "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract"


def prepare_text_side(model: Any, task: str, tokenizer: str | Path | None = None) -> None:
    """Make sure that a model can compare proteins with texts, and give it a tokenizer for that.

    Parameters:
        model (ProtCLIP): model with both encoders
        task (str): name of the task, for messages
        tokenizer (str, optional): folder or hub name of a tokenizer for the model's texts, which
            replaces its own

    Raises:
        InputError: it has no text side, or neither it nor `tokenizer` has the tokenizer
    """
    encoder = prepare_text_encoder(model, tokenizer=tokenizer)
    if encoder is None:
        raise InputError(
            f"{task} compares proteins with texts, and this model has no text side: give a "
            "ProtCLIP folder as `checkpoint`. A protein encoder alone cannot do this."
        )
    need_tokenizer(encoder, task)


def prepare_text_encoder(
    model: Any, source: str | Path | None = None, tokenizer: str | Path | None = None
) -> TextEncoder | None:
    """The text encoder that is named, or else the model's own, with the tokenizer that is named.

    The model's own is given that tokenizer for good.

    Parameters:
        model (nn.Module): model of the task
        source (str, optional): a ProtCLIP folder, a transformers folder or hub name of a BERT, or
            `package:NAME`
        tokenizer (str, optional): folder or hub name of the tokenizer, where the encoder has none

    Returns:
        TextEncoder, or None where none is named and the model has none

    Raises:
        InputError: a source that cannot be had, or a tokenizer of another encoder
    """
    if source is None:
        encoder = getattr(model, "text_encoder", None)
    elif is_protclip_folder(source):
        encoder = ProtCLIP.from_pretrained(source).text_encoder
    else:
        bert, found, _ = text_model(source)
        encoder = TextEncoder(bert, found)
    if encoder is not None and tokenizer is not None:
        _give_tokenizer(encoder, tokenizer)
    return encoder


def _give_tokenizer(encoder: TextEncoder, source: str | Path) -> None:
    tokenizer = read_tokenizer(source)
    known = encoder.model.config.vocab_size
    if len(tokenizer) > known:
        raise InputError(
            f"tokenizer: {source} has {len(tokenizer)} tokens, of which the text encoder knows "
            f"{known}; it is another encoder's. ProtCLIP's is that of {PUBMEDBERT}"
        )
    encoder.tokenizer = tokenizer
    encoder.clear_cache()


def need_tokenizer(encoder: TextEncoder, task: str) -> None:
    """Make sure that texts can be read, before anything is computed.

    Raises:
        InputError: the text encoder has no tokenizer
    """
    if encoder.tokenizer is None:
        raise InputError(
            f"{task} reads texts, and the checkpoint has no tokenizer for them; the published one "
            f"comes without. Give `tokenizer` (--tokenizer), a folder or hub name with the "
            f"vocab.txt of {PUBMEDBERT}, or put that file into the checkpoint's folder"
        )
