"""Reads pairs from UniProtKB XML, entry by entry, into the words of the flat file.

Both hold the same texts; where the flat file has marks around them (`[Isoform 2]:`, `Note=`,
evidence tags), these are put back, so that an entry gives the same pair in either format.

Format: UniProt's schema, https://www.uniprot.org/docs/uniprot.xsd
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from protclip_td.data.entry import EXISTENCE_LEVELS, Entry, Rejection
from protclip_td.data.reading.formats import foreign_xml
from protclip_td.data.reading.line_counter import LineCounter
from protclip_td.data.reading.protein_names import CLEAVED_INTO, INCLUDES, ProteinNames
from protclip_td.data.reading.read_options import ReadOptions, admit, read_number
from protclip_td.data.reading.xml_comments import comment_text
from protclip_td.properties import PROPERTIES

_END = b"</entry>"
_ACCESSION = re.compile(rb"<accession>\s*(\w+)\s*</accession>")
# The namespace would stand before the name of every element.
_NAMESPACE = re.compile(rb"\sxmlns\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_TOPICS = tuple(p.topic.lower() for p in PROPERTIES if p.topic)
_NAME_PREFIX = {"ecNumber": "EC ", "cdAntigenName": "CD antigen ", "allergenName": "allergen "}
_NAME_PARTS = {"domain": INCLUDES, "component": CLEAVED_INTO}
_FRAGMENT = {"single": "Fragment", "multiple": "Fragments"}


def parse_xml(data: bytes, line: int, options: ReadOptions) -> Iterator[Entry | Rejection]:
    """Parse the entries of UniProtKB XML one after the other.

    Parameters:
        data (bytes): whole entries, from `<entry` to `</entry>`
        line (int): number of the line that they begin at
        options (ReadOptions): what is wanted

    Returns:
        iterator of Entry or Rejection: in the file's order
    """
    lines, begin = LineCounter(data, line), 0
    while (end := data.find(_END, begin)) >= 0:
        end += len(_END)
        first = data.find(b"<entry", begin, end)
        before = data[begin : first if first >= 0 else end]
        if foreign_xml(before):
            yield Rejection(_name(before, lines, begin), "no entry tag")
        while 0 <= first < end:
            following = data.find(b"<entry", first + 1, end)
            block = data[first : following if following >= 0 else end]
            if following >= 0:
                yield Rejection(_name(block, lines, first), "cut in the middle", "no </entry>")
            else:
                yield _parse(block, _name(block, lines, first), options)
            first = following
        begin = end


def _name(block: bytes, lines: LineCounter, begin: int) -> str:
    """What to call an entry: its accession, or where it begins."""
    accession = _ACCESSION.search(block)
    return accession[1].decode() if accession else f"line {lines.at(begin)}"


def _parse(block: bytes, accession: str, options: ReadOptions) -> Entry | Rejection:
    """One entry from its text, or why it is none."""
    if block.count(b"<proteinExistence") > 1:
        return Rejection(accession, "cut in the middle", "two entries have run into one")
    try:
        block.decode()
        tree = fromstring(_without_namespace(_shortened(block)))
    except UnicodeDecodeError as error:
        return Rejection(accession, "not UTF-8", str(error))
    except ParseError as error:
        return Rejection(accession, "broken XML", str(error))
    sequences = tree.findall("sequence")
    if len(sequences) != 1:
        return Rejection(accession, "no sequence", f"{len(sequences)} sequence elements")
    words = _attribute(tree.find("proteinExistence"), "type").lower()
    confidence = EXISTENCE_LEVELS.get(words) if words else options.confidence
    if confidence is None and words:
        return Rejection(accession, "unknown protein existence", words)
    if confidence is None:
        return Rejection(accession, "no protein existence", "no proteinExistence element")
    entry = Entry(
        accession=accession,
        sequence="".join((sequences[0].text or "").split()),
        properties=_properties(tree, sequences[0], options.keep_evidence),
        confidence=confidence,
        reviewed=tree.get("dataset") == "Swiss-Prot",
        stated=bool(words),
    )
    stated = sequences[0].get("length", "")
    return admit(entry, options, read_number(stated))


def _shortened(block: bytes) -> bytes:
    """An entry without literature, cross references and features: most of it, and not needed.

    The schema puts each kind in one stretch; that of cross references stands between comments and
    protein existence.
    """
    for first, last in ((b"<reference ", b"</reference>"), (b"<feature ", b"</feature>")):
        block = _cut_out(block, block.find(first), block.rfind(last) + len(last))
    comments, existence = block.rfind(b"</comment>"), block.find(b"<proteinExistence")
    if comments < 0:
        return block
    return _cut_out(block, block.find(b"<dbReference ", comments), existence)


def _cut_out(block: bytes, begin: int, end: int) -> bytes:
    return block[:begin] + block[end:] if 0 <= begin < end else block


def _without_namespace(block: bytes) -> bytes:
    end = block.find(b">")
    return _NAMESPACE.sub(b"", block[:end]) + block[end:]


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else element.get(name, "")


def _properties(tree: Element, sequence: Element, keep_evidence: bool) -> tuple[str, ...]:
    comments: dict[str, list[str]] = {topic: [] for topic in _TOPICS}
    evidence = _evidence(tree) if keep_evidence else {}
    for comment in tree.iterfind("comment"):
        topic = comment.get("type", "")
        if topic in comments:
            comments[topic].append(comment_text(comment, evidence))
    function, location, similarity = (" ".join(filter(None, comments[t])) for t in _TOPICS)
    fragment = _FRAGMENT.get(sequence.get("fragment", ""), "")
    return _protein_names(tree, fragment), function, location, similarity


def _protein_names(tree: Element, fragment: str) -> str:
    names = ProteinNames()
    for element in tree.iterfind("protein/*"):
        if element.tag in _NAME_PARTS:
            part = names.block(_NAME_PARTS[element.tag])
            for inner in element:
                part += _names_in(inner)
        else:
            names.main += _names_in(element)
    return names.text(fragment)


def _names_in(element: Element) -> list[str]:
    """The names in one of a protein's elements, which is a name itself or has some inside."""
    found = []
    for name in list(element) or [element]:
        text = " ".join((name.text or "").split())
        if text:
            found.append(_NAME_PREFIX.get(name.tag, "") + text)
    return found


def _evidence(tree: Element) -> dict[str, str]:
    """Evidence as the flat file's tags write it, such as "ECO:0000269|PubMed:1", by key."""
    written = {}
    for evidence in tree.iterfind("evidence"):
        code, source = evidence.get("type", ""), evidence.find(".//dbReference")
        reference = _attribute(evidence.find("source"), "ref")
        if source is not None:
            code += f"|{source.get('type', '')}:{source.get('id', '')}"
        elif reference:
            code += f"|Ref.{reference}"
        if code.startswith("ECO:"):
            written[evidence.get("key", "")] = code
    return written
