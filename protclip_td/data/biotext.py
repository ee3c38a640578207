"""Between four properties and the one text that the text encoder reads."""

import re
from collections.abc import Sequence

from protclip_td.properties import PROPERTIES, PROPERTY_KEYS

_LABELS = {p.key: f"{p.label}: " for p in PROPERTIES}
# Several comments of one topic stand in one field: "FUNCTION: ...; FUNCTION: ..."
_TOPICS = {p.key: re.compile(rf"(?:^|;?\s+){p.label}: ") for p in PROPERTIES}


def compose(properties: Sequence[str], order: Sequence[str] = PROPERTY_KEYS) -> str:
    """Put the present properties into one biotext, absent ones left out.

    Parameters:
        properties (sequence of str): four texts in the order of `properties.PROPERTIES`, "" where
            absent
        order (sequence of str, optional): keys in the order in which they are wanted

    Returns:
        str: such as "PROTEIN NAME: Insulin. FUNCTION: Lowers glucose."; the name gets a full stop

    Source: ProtCLIP (Zhou et al., AAAI 2025), section on ProtAnno.
    """
    name, *others = properties
    if name and not name.endswith("."):
        name += "."
    texts = dict(zip(PROPERTY_KEYS, (name, *others)))
    return " ".join(_LABELS[key] + texts[key] for key in order if texts[key])


def decompose(biotext: str) -> tuple[str, ...]:
    """Take a biotext apart again, such as one of ProtCLIP's JSON lines.

    The labels are looked for in their order and each once, so that a label that is repeated inside
    a property stays part of its text.

    Parameters:
        biotext (str): labelled properties in the usual order

    Returns:
        tuple of str: four texts, "" where absent; all "" if the text has no label at all

    Example::

        >>> decompose("PROTEIN NAME: Insulin. SIMILARITY: Belongs to the insulin family.")
        ('Insulin', '', '', 'Belongs to the insulin family.')
    """
    found: list[tuple[int, int, int]] = []  # property, where its label begins, where its text does
    begin = 0
    for index, prop in enumerate(PROPERTIES):
        match = re.compile(rf"(?<!\S){prop.label}:").search(biotext, begin)
        if match:
            found.append((index, match.start(), match.end()))
            begin = match.end()
    texts = [""] * len(PROPERTIES)
    ends = [start for _, start, _ in found[1:]] + [len(biotext)]
    for (index, _, start), end in zip(found, ends):
        texts[index] = biotext[start:end].strip()
    name, *others = texts
    return name.removesuffix(".").rstrip(), *others


def merge_comments(key: str, text: str) -> str:
    """Make one text of a property's comments, without the label that UniProt puts before each.

    Parameters:
        key (str): the property's key, see `properties.PROPERTIES`
        text (str): its field in a TSV export, or its part of one of ProtCLIP's JSON lines

    Example::

        >>> merge_comments("function", "FUNCTION: [NS1]: Binds DNA.; FUNCTION: [NS2]: Binds RNA.")
        '[NS1]: Binds DNA. [NS2]: Binds RNA.'
    """
    return " ".join(filter(None, (part.strip() for part in _TOPICS[key].split(text))))


def strip_evidence(text: str) -> str:
    """Take UniProt's evidence tags out of a text, and nothing else.

    Example::

        >>> strip_evidence("Cytoplasm {ECO:0000269|PubMed:1}. Binds DNA (By similarity). {ECO:2}.")
        'Cytoplasm. Binds DNA (By similarity).'
    """
    if "{ECO:" not in text:
        return text
    stripped, *parts = text.split("{ECO:")
    for part in parts:
        tag, brace, after = part.partition("}")
        if not brace or "{" in tag:  # no tag after all
            stripped += "{ECO:" + part
            continue
        stripped = stripped.rstrip()
        # "Binds DNA. {ECO:1}." says its full stop twice once the tag is gone.
        stripped += after.removeprefix(".") if stripped.endswith(".") else after
    return stripped.strip()
