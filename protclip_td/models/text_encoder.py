"""The text encoder: a frozen BERT, whose results are kept."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from protclip_td.errors import InputError
from protclip_td.models.packing import group_by_length
from protclip_td.models.text_cache import TextCache
from protclip_td.models.weights_version import Version, weights_version

if TYPE_CHECKING:
    from transformers import BertModel

logger = logging.getLogger(__name__)

#: Tokens in one pass, where texts do not go through one by one.
_TOKENS_PER_PASS = 16384


class TextEncoder(nn.Module):
    """A frozen BERT that gives the states of texts at their real tokens.

    Never trained, always in evaluation mode, always in the precision of its weights, without
    gradient. On a CPU texts are encoded one by one, so that a text's states are the same to the
    last bit whatever else is in the call; on a GPU, and by `means_in_groups` on a CPU as well, they
    go in batches of about the same length.
    Results are kept by text: UniProt's property texts repeat, and every text comes again in the
    next epoch.

    Parameters:
        model (BertModel): transformers' model with its weights
        tokenizer (PreTrainedTokenizer, optional): its WordPiece tokenizer
        cache_mb (float, optional): megabytes to keep, half for token states and half for means

    Attributes:
        truncated (int): texts that were too long for the encoder and were cut
    """

    def __init__(self, model: "BertModel", tokenizer: Any = None, cache_mb: float = 512) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self.tokenizer = tokenizer
        self.truncated = 0
        self._states = TextCache(int(cache_mb * 2**19))
        self._means = TextCache(int(cache_mb * 2**19))
        self._kept_for: Version | None = None
        self.eval()

    def train(self, mode: bool = True) -> "TextEncoder":
        """Stay in evaluation mode: dropout in frozen features would be noise."""
        return super().train(False)

    def clear_cache(self) -> None:
        """Forget all results, as is needed when the tokenizer changes.

        Other weights are noticed, unless they were written through ``.data`` or NumPy.
        """
        self._states.clear()
        self._means.clear()

    @property
    def hidden_size(self) -> int:
        """Width :math:`d_t` of the states."""
        return self.model.config.hidden_size

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, [CLS] and [SEP] included."""
        return self.model.config.max_position_embeddings

    def token_states(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """The last hidden states at the real tokens, without [CLS] and [SEP].

        Parameters:
            texts (sequence of str): :math:`n` texts

        Returns:
            states of shape :math:`(T, d_t)`, texts one after the other, and the number of tokens
            of each, shape :math:`(n,)`

        Raises:
            InputError: there is no tokenizer, or a text is empty
        """
        found = self._look_up(texts, self._states)
        device = self.model.device
        sizes = torch.tensor([len(found[text]) for text in texts], device=device)
        if not texts:
            return torch.zeros(0, self.hidden_size, device=device), sizes
        return torch.cat([found[text] for text in texts]).to(device), sizes

    def means(self, texts: Sequence[str]) -> Tensor:
        """The mean of each text's token states.

        Parameters:
            texts (sequence of str): :math:`n` texts

        Returns:
            Tensor of shape :math:`(n, d_t)`

        Raises:
            InputError: there is no tokenizer, or a text is empty
        """
        found = self._look_up(texts, self._means)
        if not texts:
            return torch.zeros(0, self.hidden_size, device=self.model.device)
        return torch.stack([found[text] for text in texts]).to(self.model.device)

    def means_in_groups(self, texts: Sequence[str]) -> Tensor:
        """The mean of each text's token states, without `means`' promise on a CPU, but faster.

        There, too, texts of about the same length go through together, so that the last digits of
        a mean depend on the other texts. Nothing is kept, which `means` might give out later.

        Parameters:
            texts (sequence of str): :math:`n` texts; the shorter they are, the more is saved

        Returns:
            Tensor of shape :math:`(n, d_t)`

        Raises:
            InputError: there is no tokenizer, or a text is empty
        """
        if not texts:
            return torch.zeros(0, self.hidden_size, device=self.model.device)
        states = self._encode(texts, in_groups=True)
        return torch.stack([each.mean(0) for each in states]).to(self.model.device)

    def padded_means(self, texts: Sequence[str]) -> Tensor:
        """Means over all tokens of the padded batch of texts, as the released code takes them.

        Returns:
            Tensor of shape :math:`(n, d_t)`, which depends on the longest text in the batch
        """
        return self._encode_batch([self.token_ids(text) for text in texts]).mean(1)

    def _look_up(self, texts: Sequence[str], cache: TextCache) -> dict[str, Tensor]:
        """The results for each distinct text, kept or new, on the CPU."""
        self._forget_former_weights()
        found: dict[str, Tensor] = {}
        missing: list[str] = []
        for text in dict.fromkeys(texts):
            kept = cache.get(text)
            if kept is None:
                missing.append(text)
            else:
                found[text] = kept
        on_gpu = self.model.device.type != "cpu"
        for text, states in zip(missing, self._encode(missing, in_groups=on_gpu)):
            found[text] = states.mean(0) if cache is self._means else states
            cache.put(text, found[text])
        return found

    def _forget_former_weights(self) -> None:
        version = weights_version(self.model)
        if version != self._kept_for:
            self.clear_cache()
            self._kept_for = version

    def _encode(self, texts: Sequence[str], in_groups: bool) -> list[Tensor]:
        """The states of each text at its real tokens, on the CPU."""
        token_ids = [self.token_ids(text) for text in texts]
        lengths = [len(ids) for ids in token_ids]
        states: list[Tensor] = [torch.empty(0)] * len(texts)
        for group in group_by_length(lengths, _TOKENS_PER_PASS if in_groups else 1):
            batch = self._encode_batch([token_ids[i] for i in group])
            for i, row in zip(group, batch):
                # A copy, so that the cache does not hold on to the whole batch.
                states[i] = row[1 : lengths[i] - 1].clone()
        return states

    def _encode_batch(self, token_ids: Sequence[Sequence[int]]) -> Tensor:
        """The states of a padded batch on the CPU, :math:`(b, t, d_t)`."""
        rows = [torch.tensor(ids) for ids in token_ids]
        padded = nn.utils.rnn.pad_sequence(rows, True, self.model.config.pad_token_id or 0)
        lengths = torch.tensor([len(row) for row in rows]).unsqueeze(-1)
        mask = torch.arange(padded.shape[1]) < lengths
        device = self.model.device
        return self.padded_states(padded.to(device), mask.to(device)).cpu()

    @torch.no_grad()
    def padded_states(self, token_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """The last hidden states of a padded batch, special tokens and padding included.

        Parameters:
            token_ids (Tensor): :math:`(b, t)`, with [CLS], [SEP] and [PAD]
            mask (Tensor, optional): :math:`(b, t)`, true at real tokens; None if all are

        Returns:
            Tensor of shape :math:`(b, t, d_t)`
        """
        # What is kept must not depend on the precision of the step that asked for it first.
        with torch.autocast(token_ids.device.type, enabled=False):
            return self.model(input_ids=token_ids, attention_mask=mask).last_hidden_state

    def token_ids(self, text: str) -> list[int]:
        """The token ids of a text, [CLS] and [SEP] included, cut to what the encoder reads.

        Raises:
            InputError: there is no tokenizer, or it is another model's, or the text is empty
        """
        if self.tokenizer is None:
            raise InputError(
                "this model has no text tokenizer: the published checkpoint comes without one. "
                "Put the vocab.txt of PubMedBERT (BiomedNLP-PubMedBERT-base-uncased-abstract) into "
                "the checkpoint's folder, or name a folder that has it: tokenizer=FOLDER"
            )
        ids = self.tokenizer(text, verbose=False)["input_ids"]
        if len(ids) <= 2:
            raise InputError(f"text {text!r} has no words; expected a description of a protein")
        if max(ids) >= self.model.config.vocab_size:
            raise InputError(
                f"the text tokenizer has a word of number {max(ids)}, in text {text[:60]!r}, and "
                f"the text encoder knows {self.model.config.vocab_size}; give the tokenizer that "
                "belongs to the encoder"
            )
        return ids if len(ids) <= self.max_tokens else self._cut(ids)

    def _cut(self, ids: list[int]) -> list[int]:
        """Cut a text that is too long, count it, and say so the first time."""
        if self.truncated == 0:
            logger.warning(
                "a text of %d tokens is over the text encoder's limit and was cut to %d; "
                "more such texts are counted, not named",
                len(ids),
                self.max_tokens,
            )
        self.truncated += 1
        return [*ids[: self.max_tokens - 1], ids[-1]]
