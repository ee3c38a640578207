"""The grammar of flags, ``--name value`` or ``--name=value``, and the variables they set."""

from collections.abc import Sequence
from typing import Any

from protclip_td.config.mistakes import Mistake
from protclip_td.config.template import Variable, read_value
from protclip_td.wording import did_you_mean, nearest


def split_flags(words: Sequence[str], otherwise: str) -> tuple[dict[str, str], list[Mistake]]:
    """Values of flags as given, by names with ``_`` for ``-``.

    Parameters:
        words (list of str): part of a command line
        otherwise (str): what to say of a word that is neither a flag nor a flag's value

    Example::

        >>> split_flags(["--batch-size", "8", "--lr=1e-3"], "expected a flag")
        ({'batch_size': '8', 'lr': '1e-3'}, [])
    """
    flags: dict[str, str] = {}
    mistakes: list[Mistake] = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if not flag.startswith("--"):
            mistakes.append(Mistake(word, otherwise))
        elif (given := value if equals else next(rest, None)) is None:
            mistakes.append(Mistake(flag, "needs a value"))
        else:
            flags[_name(flag)] = given
    return flags, mistakes


def parse_flags(
    words: Sequence[str], variables: Sequence[Variable]
) -> tuple[dict[str, Any], list[Mistake]]:
    """Values of the variables, and the flags that name none or lack a value.

    A misspelt flag's value is that of the variable which it was probably meant to be, so that what
    would come of that one's absence is not reported as well.
    """
    names = [variable.name for variable in variables]
    flags, mistakes = split_flags(words, "expected a flag, such as --batch_size 8")
    # One without a value may be unknown as well, which then is what is said.
    lacking = [_name(mistake.where) for mistake in mistakes if mistake.where.startswith("--")]
    unknown = {
        name: Mistake(f"--{name}", f"unknown flag{did_you_mean(name, names, '--')}")
        for name in [*flags, *lacking]
        if name not in names
    }
    meant = {nearest(name, names): text for name, text in flags.items() if name in unknown}
    given = meant | {name: text for name, text in flags.items() if name in names}
    values = {name: read_value(text) for name, text in given.items() if name is not None}
    others = [mistake for mistake in mistakes if _name(mistake.where) not in unknown]
    return values, [*unknown.values(), *others]


def _name(flag: str) -> str:
    """A flag as a variable."""
    return flag.removeprefix("--").replace("-", "_")
