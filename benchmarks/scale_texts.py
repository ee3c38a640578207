"""Texts for synthetic entries: words and sentences of real ones, put together anew.

TrEMBL's texts are written by rules, family by family: every member of a family has the same
function, place and similarity, and one of a few names. That is what decides how well a store
compresses, so it is made alike: see `Texts`.
"""

import random
from collections.abc import Iterable, Sequence
from functools import lru_cache

from protclip_td.data.entry import Entry

#: Families that rules know; a family's rank r is drawn with P ∝ 1 / (r + 20). UniProt lists about
#: ten thousand family sentences, and the most frequent make about one percent.
FAMILIES = 10_000
#: Different functions, and different places, among the families.
FUNCTIONS, PLACES = 3_000, 500
#: Names that a family's members go by; the v-th is drawn with P ∝ 1 / v.
NAMES = 50


class Texts:
    """Names, functions, places and similarities by number, the same for the same seed.

    Parameters:
        entries (sequence of Entry): where words and sentences come from
        seed (int): another seed, another text for the same number
    """

    def __init__(self, entries: Sequence[Entry], seed: int) -> None:
        self._seed = seed
        self._names = _distinct(entry.properties[0].split(" (")[0] for entry in entries)
        self._functions, places, self._similarities = (
            _distinct(part for entry in entries for part in _sentences(entry.properties[k]))
            for k in (1, 2, 3)
        )
        self._places = [place for place in places if not place.startswith("Note=")]
        self.name = lru_cache(maxsize=200_000)(self._name)
        self.others = lru_cache(maxsize=20_000)(self._others)

    def _name(self, family: int, variant: int) -> str:
        """A name of a family's members."""
        return _cross(self._names, self._generator("name", family, variant))

    def _others(self, family: int, reviewed: bool) -> tuple[str, str, str]:
        """Function, subcellular location and similarity of a family.

        A person writes more than a rule does: two to six sentences instead of one or two.
        """
        function = family if reviewed else family % FUNCTIONS
        place = family if reviewed else family % PLACES
        generator = self._generator("function", function, reviewed)
        sentences = generator.randint(2, 6) if reviewed else generator.randint(1, 2)
        texts = [_cross(self._functions, generator) for _ in range(sentences)]
        where = generator.choice(self._places)
        if place >= len(self._places):
            where += " " + _cross(self._places, self._generator("place", place))
        kind = _cross(self._similarities, self._generator("similarity", family))
        return " ".join(texts), where, kind

    def _generator(self, *key: object) -> random.Random:
        return random.Random(f"{self._seed}/{key}")


def _sentences(text: str) -> list[str]:
    """A text's sentences, each with its full stop.

    Example::

        >>> _sentences("Binds DNA. Acts in meiosis.")
        ['Binds DNA.', 'Acts in meiosis.']
    """
    return [f"{part.removesuffix('.')}." for part in text.split(". ") if len(part) > 3]


def _distinct(texts: Iterable[str]) -> list[str]:
    """Texts without repeats; a hyphen at a word's end would be taken for a wrapped line."""
    return sorted({text for text in texts if text and "- " not in text})


def _cross(texts: Sequence[str], generator: random.Random) -> str:
    """The beginning of one text and the end of another.

    Example::

        >>> _cross(["Binds DNA."], random.Random(0))
        'Binds DNA.'
    """
    first, second = (generator.choice(texts).split(" ") for _ in range(2))
    head = first[: generator.randint((len(first) + 1) // 2, len(first))]
    tail = second[generator.randint(len(second) // 2, len(second) - 1) :]
    return " ".join(head + tail)
