"""The Gene Ontology: terms and what they are a kind or a part of."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from protclip_td.data.reading.text_lines import text_lines
from protclip_td.errors import InputError

#: The three aspects by the names that OBO files give them.
ASPECTS = {
    "molecular_function": "MF",
    "biological_process": "BP",
    "cellular_component": "CC",
}
_EXPECTED = "the Gene Ontology as an OBO file (go-basic.obo or go.obo)"
_ID = re.compile(r"GO:\d{7}")


@dataclass(frozen=True)
class Ontology:
    """Terms of the Gene Ontology and the relations that annotations are handed up along.

    Only `is_a` and `part_of` within one aspect count: what is annotated with a term is annotated
    with what that is a kind or a part of, while a process is not annotated by what regulates it.

    Parameters:
        path (Path): the file
        version (str): its ``data-version``, such as ``releases/2022-07-01``
        aspect (dict): MF, BP or CC by term
        parents (dict): terms one step up, by term
        main_id (dict): the term's own id, by its alternative ids
        obsolete (frozenset): ids that no annotation should have any more
    """

    path: Path
    version: str
    aspect: dict[str, str]
    parents: dict[str, tuple[str, ...]]
    main_id: dict[str, str]
    obsolete: frozenset[str]
    _ancestors: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def ancestors(self, term: str) -> frozenset[str]:
        """The term itself and all above it in its aspect.

        Example::

            >>> sorted(ontology.ancestors("GO:0005488"))  # binding is a molecular function
            ['GO:0003674', 'GO:0005488']
        """
        if term not in self._ancestors:
            above, todo = {term}, [term]
            while todo:
                new = [parent for parent in self.parents[todo.pop()] if parent not in above]
                above.update(new)
                todo.extend(new)
            self._ancestors[term] = frozenset(above)
        return self._ancestors[term]


def read_ontology(path: str | Path) -> Ontology:
    """Read ``go-basic.obo`` or ``go.obo``, plain or gzip.

    Parameters:
        path (str or Path): the file, in OBO 1.2 or 1.4

    Returns:
        Ontology: its terms

    Raises:
        InputError: no such file, no Gene Ontology, or a term stands on one that is not there, as
            where a file has been cut off

    Source: Gene Ontology Consortium; the files are published under CC BY 4.0.
    """
    path = Path(path).expanduser()
    aspect, above = {}, {}
    main_id: dict[str, str] = {}
    obsolete = set()
    version = "of no version"
    for kind, tags in _stanzas(path):
        if kind == "":
            version = next((value for tag, value in tags if tag == "data-version"), version)
            continue
        values = _by_tag(tags)
        term, namespace = values.get("id", [""])[0], values.get("namespace", [""])[0]
        if kind != "Term" or namespace not in ASPECTS:
            continue
        if values.get("is_obsolete") == ["true"]:
            obsolete.update([term, *values.get("alt_id", [])])
            continue
        aspect[term], above[term] = ASPECTS[namespace], _parents(values)
        main_id |= dict.fromkeys(values.get("alt_id", []), term)
    if not aspect:
        raise InputError(f"{path} has no term of the Gene Ontology; expected {_EXPECTED}")
    _check_complete(path, above, aspect.keys() | obsolete)
    parents = {
        term: tuple(up for up in ups if aspect.get(up) == aspect[term])
        for term, ups in above.items()
    }
    return Ontology(path, version, aspect, parents, main_id, frozenset(obsolete))


def _stanzas(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Kind and (tag, value) pairs of each stanza; the header has no kind."""
    kind, tags = "", list[tuple[str, str]]()
    for _, line in text_lines(path, _EXPECTED):
        if line.startswith("["):
            yield kind, tags
            kind, tags = line.strip("[] "), []
        elif line and not line.startswith("!"):
            tag, _, value = line.partition(":")
            # A comment or a qualifier may follow the value.
            tags.append((tag, re.split(r" [!{]", value.strip())[0].strip()))
    yield kind, tags


def _by_tag(tags: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for tag, value in tags:
        values.setdefault(tag, []).append(value)
    return values


def _parents(values: dict[str, list[str]]) -> list[str]:
    relations = (value.split() for value in values.get("relationship", []))
    parts = [words[1] for words in relations if words[0] == "part_of" and len(words) > 1]
    return [term for term in [*values.get("is_a", []), *parts] if _ID.fullmatch(term)]


def _check_complete(path: Path, above: dict[str, list[str]], known: set[str]) -> None:
    for term, ups in above.items():
        missing = [up for up in ups if up not in known]
        if missing:
            raise InputError(
                f"{path}: {term} stands on {missing[0]}, which is not in the file. Is it cut off? "
                "Get the whole file again"
            )
