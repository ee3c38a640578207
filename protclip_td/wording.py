"""Parts of messages, and messages in a terminal of 80 columns."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

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

        >>> print(fold("  line 22: engine.batch_size: 1 given; ProteinTextPretraining needs at"
        ...            " least 2 in a batch"))
          line 22: engine.batch_size: 1 given; ProteinTextPretraining needs at least 2
            in a batch
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


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, header and all: names to the left, numbers to the right.

    Parameters:
        rows (sequence of sequence of str): the same number of cells in each

    Example::

        >>> print("\\n".join(aligned([["split", "pairs"], ["train", "1,200"], ["test", "80"]])))
        split  pairs
        train  1,200
        test      80
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]).rstrip()
        for name, *cells in rows
    ]


def by_reason(reasons: Mapping[str, str]) -> list[str]:
    """Names and their reason, those of the same reason together.

    Parameters:
        reasons (dict): a reason by name

    Example::

        >>> by_reason({"sub": "no data", "bin": "a full disk", "go_bp": "no data"})
        ['sub, go_bp: no data', 'bin: a full disk']
    """
    alike: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        alike.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in alike.items()]


def counted(reasons: Mapping[str, int]) -> list[str]:
    """How often each reason was met; those that never were are left out.

    Parameters:
        reasons (dict): a number by reason

    Example::

        >>> counted({"no sequence": 1200, "no property": 0, "not JSON": 1})
        ['1,200 x no sequence', '1 x not JSON']
    """
    return [f"{number:,} x {reason}" for reason, number in reasons.items() if number]


def first_few(names: Iterable[str], shown: int = 5) -> str:
    """The first few of some names, and how many more there are.

    Example::

        >>> first_few(["P69905", "P68871", "P02042"], shown=2)
        'P69905, P68871 and 1 more'
    """
    names = list(names)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """The nearest right word as the end of a message, or the choice when it is small.

    Example::

        >>> did_you_mean("protien_encoder", ["protein_encoder", "text_encoder"])
        '; did you mean `protein_encoder`?'
    """
    words = sorted(set(known))
    if meant := nearest(word, words):
        return f"; did you mean {_quoted(prefix + meant)}?"
    if 0 < len(words) <= 12:
        return f"; expected one of {', '.join(prefix + other for other in words)}"
    return ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word that was probably meant.

    Example::

        >>> nearest("protien_encoder", ["protein_encoder", "text_encoder"])
        'protein_encoder'
    """
    words = sorted(set(known))
    folded = [other for other in words if other.lower() == word.lower()]
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return next(iter([*folded, *near]), None)


def _quoted(word: str) -> str:
    return word if word.startswith("--") else f"`{word}`"
