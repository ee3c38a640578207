"""Which proteins have which terms of the Gene Ontology, from an annotation file (GAF)."""

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from protclip_td.data.gene_ontology.ontology import Ontology
from protclip_td.data.reading.text_lines import text_lines
from protclip_td.errors import InputError

logger = logging.getLogger(__name__)

_EXPECTED = "an annotation file of the Gene Ontology (GAF 1.0 to 2.2)"
# GAF has 15 columns, since version 2.0 two more.
_NUM_COLUMN = 15
_OBJECT, _QUALIFIER, _TERM, _EVIDENCE = 1, 3, 4, 6
_CODE = re.compile(r"[A-Z]{2,3}")
# "No data": somebody looked, and nothing is known.
_NO_DATA = "ND"

#: Terms of each protein, in one aspect.
Annotations = Mapping[str, frozenset[str]]


def read_annotations(
    path: str | Path,
    ontology: Ontology,
    aspect: str,
    without_evidence: Collection[str] = (),
) -> Annotations:
    """Read a GAF file.

    Left out are annotations that deny a term (``NOT|enables``, ``NOT enables``) or say that nothing
    is known (``ND``). Alternative ids count as the term's own. Annotations with a term that has
    become obsolete are left out and counted in a warning.

    Parameters:
        path (str or Path): the file, plain or gzip, such as ``goa_human.gaf.gz``
        ontology (Ontology): the terms
        aspect (str): ``MF``, ``BP`` or ``CC``
        without_evidence (collection of str, optional): evidence codes to leave out, such as
            ``IEA``, annotations that nobody has looked at

    Returns:
        dict: terms by the accession of the protein (column 2); those without a term are not in it

    Raises:
        InputError: no such file, one that is cut, a line with too few columns or without evidence
            code, a GO id that is not in the ontology, no annotation left, or something else than
            codes to leave out

    Source: Gene Ontology Consortium and GOA; the files are published under CC BY 4.0.

    Example::

        >>> annotations = read_annotations("goa_human.gaf", ontology, "MF")
        >>> sorted(annotations["P01911"])  # binds MHC class II, polysaccharides, antigens
        ['GO:0023026', 'GO:0030247', 'GO:0042605']
    """
    _check_codes(without_evidence)
    path = Path(path).expanduser()
    terms: dict[str, set[str]] = {}
    num_obsolete = 0
    for where, columns in _rows(path):
        # "NOT|enables" in GAF 2.2; some write a blank or an underscore in place of the bar.
        is_denied = "not" in re.split(r"[^a-z]+", columns[_QUALIFIER].lower())
        if is_denied or columns[_EVIDENCE] in (_NO_DATA, *without_evidence):
            continue
        term = ontology.main_id.get(columns[_TERM], columns[_TERM])
        if term in ontology.obsolete:
            num_obsolete += 1
        elif term not in ontology.aspect:
            cut = (
                "It may be cut: it ends in a term, and published files end in relations "
                "([Typedef]). Get the whole file again. "
            )
            raise InputError(
                f"{where}: {term!r} is not in the ontology ({ontology.path}, {ontology.version}). "
                f"{cut if ontology.ends_in_term else ''}An annotation file needs an ontology that "
                "is as new as itself: get go-basic.obo of the same day"
            )
        elif ontology.aspect[term] == aspect:
            terms.setdefault(columns[_OBJECT], set()).add(term)
    if num_obsolete:
        logger.warning("%s: %d annotations with obsolete terms do not count", path, num_obsolete)
    if not terms:
        raise InputError(f"{path}: no annotation left in aspect {aspect!r}; expected {_EXPECTED}")
    return {protein: frozenset(own) for protein, own in terms.items()}


def _check_codes(codes: Collection[str]) -> None:
    """Make sure that codes can be found: another spelling would leave out nothing."""
    wrong = [code for code in codes if not _CODE.fullmatch(code)]
    if isinstance(codes, str) or wrong:
        raise InputError(
            f"without_evidence: {codes!r} given; expected a list of evidence codes in capitals, "
            "as ['IEA', 'ISS']"
        )


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Place and columns of each annotation."""
    for number, line in text_lines(path, _EXPECTED, must_end=True):
        if not line or line.startswith("!"):
            continue
        columns = line.split("\t")
        where = f"{path}, line {number}"
        if len(columns) < _NUM_COLUMN:
            raise InputError(
                f"{where}: {len(columns)} columns, {_NUM_COLUMN} or more needed; "
                f"expected {_EXPECTED}"
            )
        if not _CODE.fullmatch(columns[_EVIDENCE]):
            raise InputError(
                f"{where}: column {_EVIDENCE + 1} is {columns[_EVIDENCE]!r}; expected an evidence "
                "code, as IEA. Is a column missing or in another place?"
            )
        yield where, columns
