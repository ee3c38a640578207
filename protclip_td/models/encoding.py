"""Encoding long lists of sequences and texts: batched, in order, without gradient."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from protclip_td.checks import check_count
from protclip_td.data.residues import check_sequence
from protclip_td.errors import InputError
from protclip_td.models import esm
from protclip_td.models.packing import packed_mean
from protclip_td.models.protein_encoder import sequence_tokens

if TYPE_CHECKING:
    from protclip_td.models.protclip import ProtCLIP

# Shorter lists are done before a progress bar could tell anything.
_LONG_LIST = 512


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradient for the time of the block."""
    # Part by part: an encoder that is fixed in a model that trains stays in evaluation mode.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def progress_bar(total: int, unit: str) -> tqdm:
    """Make a bar over `total` items, hidden on short lists and where there is no terminal."""
    hidden = True if total < _LONG_LIST else None  # None: hidden if not a terminal
    return tqdm(total=total, unit=f" {unit}", disable=hidden)


def protein_features(model: "ProtCLIP", sequences: Iterable[str], batch_size: int) -> Tensor:
    """Means of the protein encoder's states, :math:`(n, d_p)`, by the model's `pooling`."""
    sequences = list_sequences(sequences)
    results = torch.empty(len(sequences), model.node_output_dim)
    in_order = model.pooling == "all_tokens"
    for batch in _batches([len(s) for s in sequences], batch_size, "proteins", in_order):
        chosen = [sequences[i] for i in batch]
        with inference(model):
            means = _padded_means(model, chosen) if in_order else _residue_means(model, chosen)
        results[batch] = means.float().cpu()
    return results


def residue_features(model: "ProtCLIP", sequences: Iterable[str], batch_size: int) -> list[Tensor]:
    """The protein encoder's states at the residues, per sequence :math:`(L, d_p)`."""
    sequences = list_sequences(sequences)
    results = [torch.empty(0)] * len(sequences)
    for batch in _batches([len(s) for s in sequences], batch_size, "proteins"):
        with inference(model):
            states, sizes = _residue_states(model, [sequences[i] for i in batch])
        for i, rows in zip(batch, states.float().cpu().split(sizes.tolist())):
            results[i] = rows.clone()
    return results


def text_features(model: "ProtCLIP", texts: Iterable[str], batch_size: int) -> Tensor:
    """Means of the text encoder's states, :math:`(n, d_t)`, by the model's `pooling`."""
    texts = list_strings(texts, "text")
    encoder = model.text_encoder
    assert encoder is not None
    results = torch.empty(len(texts), encoder.hidden_size)
    in_order = model.pooling == "all_tokens"
    for batch in _batches([len(text) for text in texts], batch_size, "texts", in_order):
        chosen = [texts[i] for i in batch]
        means = encoder.padded_means(chosen) if in_order else encoder.means(chosen)
        results[batch] = means.float().cpu()
    return results


def project(projection: nn.Module, features: Tensor) -> Tensor:
    """Features of an encoder as float32 unit vectors of the shared space, on the CPU."""
    weight = next(projection.parameters())
    # Autocast would make them half precision, with two or three digits.
    with inference(projection), torch.autocast(weight.device.type, enabled=False):
        return F.normalize(projection(features.to(weight)).float(), dim=-1).cpu()


def list_strings(items: Iterable[str], what: str) -> list[str]:
    """Strings as a list; a bare string is refused, since it is a list of letters to Python.

    Parameters:
        items (iterable of str): the strings
        what (str): what each of them is, for messages, such as ``text``

    Raises:
        InputError: it is one string, or something in it is none

    Example::

        >>> list_strings(("MK", "GAV"), "sequence")
        ['MK', 'GAV']
    """
    if isinstance(items, str):
        raise InputError(f"expected a list of {what}s; for a single one write [{items!r:.40}]")
    if not isinstance(items, Iterable):
        raise InputError(f"{items!r:.40} given; expected a list of {what}s")
    strings = list(items)
    for i, item in enumerate(strings):
        if not isinstance(item, str):
            raise InputError(f"{what} {i} is {item!r:.40}; expected a string")
    return strings


def list_sequences(sequences: Iterable[str]) -> list[str]:
    """Sequences as a list, or which of them is none."""
    strings = list_strings(sequences, "sequence")
    for i, sequence in enumerate(strings):
        check_sequence(sequence, f"sequence {i}")
    return strings


def _batches(
    lengths: Sequence[int], batch_size: int, unit: str, in_order: bool = False
) -> Iterator[list[int]]:
    """Indices in batches, the longest first unless in order, with a bar on long lists."""
    check_count("batch_size", batch_size)
    order = list(range(len(lengths)))
    if not in_order:
        order.sort(key=lambda i: -lengths[i])
    with progress_bar(len(order), unit) as bar:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            yield batch
            bar.update(len(batch))


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def _residue_states(model: "ProtCLIP", sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
    tokens = torch.cat([sequence_tokens(sequence) for sequence in sequences])
    sizes = torch.tensor([len(sequence) for sequence in sequences])
    return model.protein_encoder(tokens.to(_device(model)), sizes), sizes


def _residue_means(model: "ProtCLIP", sequences: Sequence[str]) -> Tensor:
    states, sizes = _residue_states(model, sequences)
    return packed_mean(states, sizes.to(states.device))


def _padded_means(model: "ProtCLIP", sequences: Sequence[str]) -> Tensor:
    """Means over all tokens of the padded batch, as the released code takes them."""
    ends = torch.tensor([esm.CLS_ID]), torch.tensor([esm.EOS_ID])
    rows = [torch.cat([ends[0], sequence_tokens(s), ends[1]]) for s in sequences]
    padded = nn.utils.rnn.pad_sequence(rows, True, esm.PAD_ID).to(_device(model))
    return model.protein_encoder.padded_states(padded, padded != esm.PAD_ID).mean(1)
