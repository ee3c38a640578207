"""Keeps what a frozen encoder has computed, up to a number of bytes."""

from collections import OrderedDict

from torch import Tensor


class TextCache:
    """The tensors of the texts used last, by text.

    Parameters:
        max_bytes (int): bytes of tensors to keep; a tensor larger than that is not kept at all

    Example::

        >>> cache = TextCache(max_bytes=8)
        >>> cache.put("a", torch.zeros(1))
        >>> cache.put("b", torch.zeros(2))
        >>> cache.get("a") is None  # made room for the second, which takes 8 bytes
        True
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> Tensor | None:
        """The tensor of a text, or None."""
        if text in self._kept:
            self._kept.move_to_end(text)
        return self._kept.get(text)

    def put(self, text: str, tensor: Tensor) -> None:
        """Keep a tensor, and forget the ones used longest ago when it gets too many."""
        if tensor.nbytes > self.max_bytes or text in self._kept:
            return
        self._kept[text] = tensor
        self.num_bytes += tensor.nbytes
        while self.num_bytes > self.max_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self.num_bytes -= forgotten.nbytes

    def __reduce__(self) -> tuple[type["TextCache"], tuple[int]]:
        """Copied and saved empty: what was kept can be computed again."""
        return TextCache, (self.max_bytes,)

    def clear(self) -> None:
        """Forget everything, as is needed when the encoder's weights change."""
        self._kept.clear()
        self.num_bytes = 0
