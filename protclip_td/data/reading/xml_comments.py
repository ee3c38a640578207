"""From a comment of UniProtKB XML to the words that the flat file has for it."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

# Parts of a place in the cell are written small behind the first, but for these names.
_PROPER_NAMES = ("Birbeck", "Cajal", "Golgi", "Maurer", "Weibel")


def comment_text(comment: Element, evidence: Mapping[str, str]) -> str:
    """Write a comment as the flat file does.

    Parameters:
        comment (Element): on function, subcellular location or similarity, without namespace
        evidence (mapping of str to str): what each evidence key stands for, empty to leave the
            tags out

    Returns:
        str: "" if there is nothing in it

    Example::

        >>> from xml.etree.ElementTree import fromstring
        >>> comment_text(fromstring('''<comment type="subcellular location">
        ...   <molecule>Isoform 2</molecule>
        ...   <subcellularLocation>
        ...     <location>Cytoplasm</location><location evidence="1">Cytosol</location>
        ...     <topology>Lipid-anchor</topology>
        ...   </subcellularLocation>
        ...   <text>Binds to membranes.</text>
        ... </comment>'''), {"1": "ECO:0000305"})
        '[Isoform 2]: Cytoplasm, cytosol {ECO:0000305}; Lipid-anchor. Note=Binds to membranes.'
    """
    parts = [f"{_place(place, evidence)}." for place in comment.iterfind("subcellularLocation")]
    note = "Note=" if parts or comment.get("type") == "subcellular location" else ""
    parts += [f"{note}{_sentence(text, evidence)}" for text in comment.iterfind("text")]
    molecule = _words(comment.find("molecule"))
    words = " ".join(part for part in parts if part not in (".", note))
    return f"[{molecule}]: {words}" if molecule and words else words


def _words(element: Element | None) -> str:
    return "" if element is None else " ".join((element.text or "").split())


def _status(element: Element) -> str:
    """How sure a statement is, such as " (By similarity)"; in releases before 2014."""
    status = element.get("status", "")
    return f" ({status[:1].upper()}{status[1:]})" if status else ""


def _tags(element: Element, evidence: Mapping[str, str]) -> str:
    known = [evidence[key] for key in element.get("evidence", "").split() if key in evidence]
    return f" {{{', '.join(known)}}}" if known else ""


def _sentence(element: Element, evidence: Mapping[str, str]) -> str:
    words = _words(element)
    if not words:
        return ""
    status, tags = _status(element), _tags(element, evidence)
    if status:
        words = f"{words.removesuffix('.')}{status}."
    return f"{words}{tags}." if tags else words


def _place(element: Element, evidence: Mapping[str, str]) -> str:
    """One place in the cell: where, how it lies in the membrane, and on which side."""
    locations = element.findall("location")
    names = [_words(location) for location in locations]
    names[1:] = map(_small, names[1:])
    shown = [", ".join(filter(None, names))]
    if locations:
        shown[0] += _status(locations[-1]) + _tags(locations[-1], evidence)
    for kind in ("topology", "orientation"):
        for detail in element.iterfind(kind):
            shown.append(_words(detail) + _status(detail) + _tags(detail, evidence))
    return "; ".join(filter(None, shown))


def _small(name: str) -> str:
    if name.startswith(_PROPER_NAMES) or not name[1:2].islower():
        return name
    return name[0].lower() + name[1:]
