"""Puts together what a model is made from: encoders, tokenizer, checkpoint."""

from pathlib import Path
from typing import Any, NamedTuple

from protclip_td.errors import InputError
from protclip_td.models import weights
from protclip_td.models.checkpoint import Checkpoint, find_tokenizer, make_encoders, read_checkpoint


class Parts(NamedTuple):
    """What a model is put together from."""

    protein: Any
    text: Any
    tokenizer: Any
    checkpoint: Checkpoint | None
    sources: dict[str, str]


def gather_parts(
    protein_encoder: str | Path | None,
    text_encoder: str | Path | None,
    checkpoint: str | Path | None,
    tokenizer: str | Path | None,
) -> Parts:
    """Make the encoders from wherever they are to come from."""
    if checkpoint is not None:
        encoders = {"protein_encoder": protein_encoder, "text_encoder": text_encoder}
        if named := [f"{name} {str(source)!r}" for name, source in encoders.items() if source]:
            raise InputError(
                f"checkpoint {str(checkpoint)!r} and {' and '.join(named)} given; expected either "
                "a checkpoint, which has its own encoders, or the encoders. Leave one out"
            )
        return _parts_of_checkpoint(checkpoint, tokenizer)
    if protein_encoder is None:
        raise InputError(
            "ProtCLIP needs a protein_encoder, such as 'random:ESM-2-8M', or a checkpoint"
        )
    sources = {"heads": "random initial weights"}
    protein, sources["protein encoder"] = weights.protein_model(protein_encoder)
    text = found = None
    if text_encoder is not None:
        text, found, sources["text encoder"] = weights.text_model(text_encoder)
    if tokenizer is not None:
        found = weights.read_tokenizer(tokenizer)
    return Parts(protein, text, found, None, sources)


def _parts_of_checkpoint(folder: str | Path, tokenizer: str | Path | None) -> Parts:
    """Make the encoders by a checkpoint's config; its weights are loaded later, at once."""
    content = read_checkpoint(folder)
    protein, text = make_encoders(content)
    if tokenizer is not None:
        found = weights.read_tokenizer(tokenizer)
    else:
        found = find_tokenizer(content.folder)
    parts = ("protein encoder", "text encoder", "heads")
    return Parts(protein, text, found, content, dict.fromkeys(parts, f"checkpoint {folder}"))
