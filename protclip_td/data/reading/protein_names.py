"""From the name lines (`DE`) of a flat-file entry to UniProt's own "Protein names" column."""

import re

from protclip_td.data.biotext import strip_evidence

INCLUDES, CLEAVED_INTO = "Includes", "Cleaved into"

_PREFIX = {"EC": "EC ", "CD_antigen": "CD antigen ", "Allergen": "allergen "}
_BLOCKS = {"Includes:": INCLUDES, "Contains:": CLEAVED_INTO}
_FRAGMENT = re.compile(r"Flags:.*\b(Fragments?)\b")


def protein_names(description: str) -> str:
    """Put all names of a protein into one text, as UniProt's TSV exports do.

    The first name stands alone; short names, EC numbers and alternative names follow in
    parentheses, and the names of domains and of chains cut from the protein in brackets. Evidence
    tags are left out. Descriptions from before 2008, which are one sentence, stay as they are.

    Parameters:
        description (str): the entry's `DE` lines without their first five columns

    Returns:
        str: "" if there is no name

    Example::

        >>> protein_names('''RecName: Full=Kininase II;
        ...          Short=ACE;
        ...          EC=3.4.15.1;
        ... AltName: CD_antigen=CD143;
        ... Contains:
        ...   RecName: Full=Kininase II, soluble form;
        ... Flags: Precursor; Fragment;''')
        'Kininase II (ACE) (EC 3.4.15.1) (CD antigen CD143) [Cleaved into: Kininase II, soluble form] (Fragment)'
    """  # noqa: E501
    text = strip_evidence(description)
    if "Name: " not in text:
        return " ".join(text.split()).removesuffix(".")
    names = ProteinNames()
    current = names.main
    for line in map(str.strip, text.split("\n")):
        if line in _BLOCKS:
            current = names.block(_BLOCKS[line])
            continue
        field, equals, value = line.partition("=")
        if equals:
            field = field.rpartition(": ")[2]  # behind RecName, AltName or SubName
            current.append(_PREFIX.get(field, "") + value.removesuffix(";"))
    fragment = _FRAGMENT.search(text) if "Flags: " in text else None
    return names.text(fragment[1] if fragment else "")


class ProteinNames:
    """All names of a protein, to be shown as UniProt's "Protein names" column does.

    Example::

        >>> names = ProteinNames()
        >>> names.main += ["Angiotensin-converting enzyme", "EC 3.4.15.1"]
        >>> names.block(CLEAVED_INTO).append("Soluble form")
        >>> names.text("Fragment")
        'Angiotensin-converting enzyme (EC 3.4.15.1) [Cleaved into: Soluble form] (Fragment)'
    """

    def __init__(self) -> None:
        self.main: list[str] = []
        self._blocks: dict[str, list[list[str]]] = {}

    def block(self, title: str) -> list[str]:
        """Begin the names of a part, `INCLUDES` or `CLEAVED_INTO`; they go into the list given."""
        names: list[str] = []
        self._blocks.setdefault(title, []).append(names)
        return names

    def text(self, fragment: str) -> str:
        """The names as one text; `fragment` is "Fragment", "Fragments" or ""."""
        shown = [_one_name(self.main)]
        for title, parts in self._blocks.items():
            shown.append(f"[{title}: {'; '.join(map(_one_name, parts))}]")
        if fragment:
            shown.append(f"({fragment})")
        return " ".join(filter(None, shown))


def _one_name(names: list[str]) -> str:
    """The first of a protein's names, and the others in parentheses."""
    if len(names) < 2:
        return "".join(names)
    return " ".join(names[:1] + [f"({name})" for name in names[1:]])
