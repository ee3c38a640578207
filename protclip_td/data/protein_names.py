"""From the name lines (`DE`) of a flat-file entry to UniProt's own "Protein names" column."""

import re

from protclip_td.data.biotext import strip_evidence

_FIELD = re.compile(r"(?:(?:RecName|AltName|SubName): )?(\w+)=(.*?);?$")
_PREFIX = {"EC": "EC ", "CD_antigen": "CD antigen ", "Allergen": "allergen "}
_BLOCKS = {"Includes:": "Includes", "Contains:": "Cleaved into"}
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
    main: list[str] = []
    blocks: dict[str, list[list[str]]] = {}
    current = main
    for line in map(str.strip, text.split("\n")):
        if line in _BLOCKS:
            current = []
            blocks.setdefault(_BLOCKS[line], []).append(current)
        elif match := _FIELD.match(line):
            field, value = match.groups()
            current.append(_PREFIX.get(field, "") + value)
    shown = [_one_name(main)]
    for title, names in blocks.items():
        shown.append(f"[{title}: {'; '.join(map(_one_name, names))}]")
    if fragment := _FRAGMENT.search(text):
        shown.append(f"({fragment[1]})")
    return " ".join(filter(None, shown))


def _one_name(names: list[str]) -> str:
    """The first of a protein's names, and the others in parentheses."""
    return " ".join(names[:1] + [f"({name})" for name in names[1:]])
