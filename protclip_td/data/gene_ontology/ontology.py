"""The Gene Ontology: terms and what they are a kind or a part of."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
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
        ends_in_term (bool): whether no relation (``[Typedef]``) follows the last term, as in all
            published files; if so, the file may be cut
    """

    path: Path
    version: str
    aspect: dict[str, str]
    parents: dict[str, tuple[str, ...]]
    main_id: dict[str, str]
    obsolete: frozenset[str]
    ends_in_term: bool
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
        InputError: no such file, no Gene Ontology, a term that comes twice or stands on itself, or
            one that stands on a term that is not there, as where a file has been cut off

    Source: Gene Ontology Consortium; the files are published under CC BY 4.0.
    """
    path = Path(path).expanduser()
    aspect, above = {}, {}
    main_id: dict[str, str] = {}
    line_of: dict[str, int] = {}
    names, obsolete = {}, set()
    version = "of no version"
    for line, kind, tags in _stanzas(path):
        if kind == "":
            version = next((value for tag, value in tags if tag == "data-version"), version)
            continue
        values = _by_tag(tags)
        term, namespace = values.get("id", [""])[0], values.get("namespace", [""])[0]
        if kind != "Term" or namespace not in ASPECTS:
            continue
        if term in line_of:
            raise InputError(
                f"{path}, line {line}: {term} comes twice, first on line {line_of[term]}; expected "
                "each term once. Are these two files in one? Get the whole file again"
            )
        line_of[term], names[term] = line, values.get("name", [""])[0]
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
    _check_no_cycle(path, parents, names)
    ends_in_term = kind == "Term"
    return Ontology(path, version, aspect, parents, main_id, frozenset(obsolete), ends_in_term)


def _stanzas(path: Path) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Line, kind and (tag, value) pairs of each stanza; the header has no kind."""
    first, kind, tags = 1, "", list[tuple[str, str]]()
    for number, line in text_lines(path, _EXPECTED, must_end=True):
        if line.startswith("["):
            yield first, kind, tags
            first, kind, tags = number, line.strip("[] "), []
        elif line and not line.startswith("!"):
            tag, _, value = line.partition(":")
            # A comment or a qualifier may follow the value.
            tags.append((tag, re.split(r" [!{]", value.strip())[0].strip()))
    yield first, kind, tags


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


def _check_no_cycle(path: Path, parents: dict[str, tuple[str, ...]], names: dict[str, str]) -> None:
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        cycle = " > ".join(f"{term} ({names[term]})" for term in error.args[1])
        raise InputError(
            f"{path}: terms that stand on themselves, by is_a or part_of: {cycle}. Expected "
            f"{_EXPECTED}; get the whole file again"
        ) from error
