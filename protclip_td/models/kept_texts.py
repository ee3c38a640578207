"""A frozen text encoder says the same about a text in every run: it is asked once."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protclip_td.models.feature_file import KEY_SIZE
from protclip_td.models.state_features import StateFeatures
from protclip_td.models.text_encoder import TextEncoder


def keep_means(encoder: TextEncoder, folder: str | Path) -> "KeptMeans":
    """Let a text encoder look up the means of texts that it has read, in this run or an earlier.

    A knowledge graph has tens of thousands of names, which take long on a CPU.

    Parameters:
        encoder (TextEncoder): its `means` and `means_in_groups` change
        folder (str or Path): where to keep them, one subfolder for each state of the encoder; runs
            may share it

    Returns:
        KeptMeans: its `features` count what was looked up and what was computed

    Example::

        >>> kept = keep_means(model.text_encoder, "runs/kept_features")
        >>> first, again = (model.text_encoder.means(["Binds DNA."]) for _ in range(2))
        >>> torch.equal(first, again), kept.features.num_computed
        (True, 1)
    """
    kept = KeptMeans(encoder, Path(folder).expanduser())
    encoder.means = encoder.means_in_groups = kept  # type: ignore[method-assign]
    return kept


class KeptMeans:
    """Stands in for a text encoder's `means` and `means_in_groups`, and computes by the latter.

    Parameters:
        encoder (TextEncoder): the encoder
        folder (Path): one subfolder for each encoder and weights
    """

    def __init__(self, encoder: TextEncoder, folder: Path) -> None:
        self.encoder = encoder
        self.means = encoder.means_in_groups
        self.features = StateFeatures(encoder.model, encoder.hidden_size, folder)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """The mean of each text's token states, :math:`(n, d_t)`; `TextEncoder.means_in_groups`."""
        if not texts or self.encoder.tokenizer is None:
            return self.means(texts)
        keys = [_key(self.encoder.tokenizer(text, verbose=False)["input_ids"]) for text in texts]
        rows = self.features.rows(keys, partial(self._compute, texts))
        return torch.from_numpy(rows).to(self.encoder.model.device)

    def _compute(self, texts: Sequence[str], places: list[int]) -> np.ndarray:
        return self.means([texts[place] for place in places]).cpu().numpy()


def _key(token_ids: Sequence[int]) -> bytes:
    """By token, since a text is other tokens to another tokenizer."""
    return hashlib.blake2b(np.array(token_ids).tobytes(), digest_size=KEY_SIZE).digest()
