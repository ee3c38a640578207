"""Counts lines only where somebody asks."""


class LineCounter:
    """Tells the numbers of lines in a text, asked for from its beginning to its end.

    Parameters:
        data (bytes): the text
        line (int): number of its first line

    Example::

        >>> lines = LineCounter(b"a\\nb\\nc", 10)
        >>> lines.at(0), lines.at(2)
        (10, 11)
    """

    def __init__(self, data: bytes, line: int) -> None:
        self._data, self._line, self._offset = data, line, 0

    def at(self, offset: int) -> int:
        """Number of the line that the byte at `offset` is in; offsets must not decrease."""
        self._line += self._data.count(b"\n", self._offset, offset)
        self._offset = offset
        return self._line
