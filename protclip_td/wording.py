"""Text for a terminal of 80 columns."""

import re

#: Columns that a terminal has at least.
WIDTH = 80

# What is not broken, so that it can be copied: code in backticks, and a command, which goes on to
# the end of its line. Paths hold no spaces as a rule.
_WORD = re.compile(r"`[^`]*`\S*|(?:python -m torchdrug\.run|protclip-td run) .*|\S+")


def fold(text: str) -> str:
    """Break lines that are too long between words; the rest of a line hangs below its beginning.

    Parameters:
        text (str): any number of lines

    Example::

        >>> print(fold("  line 22: engine.batch_size: 1 given; contrast needs at least 2 pairs"
        ...            " in a batch, since the others are what it compares with"))
          line 22: engine.batch_size: 1 given; contrast needs at least 2 pairs in a
            batch, since the others are what it compares with
    """
    return "\n".join(map(_fold_line, text.split("\n")))


def _fold_line(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    first, *words = _WORD.findall(line)
    lines = [indent + first]
    for word in words:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{indent}  {word}")
    return "\n".join(lines)
