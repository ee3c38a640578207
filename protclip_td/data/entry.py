"""One protein-text pair, and why something read is none."""

from dataclasses import dataclass, field
from typing import NamedTuple

from protclip_td.data.biotext import compose
from protclip_td.data.residues import foreign_letters
from protclip_td.properties import PROTEIN_EXISTENCE

#: Protein existence in UniProt's words, in small letters, and the sample confidence it stands for.
EXISTENCE_LEVELS = {words.lower(): level for level, words in PROTEIN_EXISTENCE.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One pair of ProtAnno: a sequence and up to four properties in words.

    Parameters:
        accession (str): UniProt's, or what the file calls the entry
        sequence (str): one-letter residues, upper case
        properties (tuple of str): texts in the order of `properties.PROPERTIES`, "" where absent
        confidence (int): sample confidence C, UniProt's protein existence, 1 (best) to 5
        reviewed (bool, optional): Swiss-Prot or TrEMBL, None where the file does not say
        stated (bool, optional): whether the file itself says how sure the protein is; if not, the
            confidence is the user's or a format's default. Known while a file is read, not kept in
            a store, and of no account where entries are compared

    Example::

        >>> entry = Entry("P1", "MK", ("Insulin", "Lowers glucose.", "", ""), 1, True)
        >>> entry.coverage, entry.biotext
        (2, 'PROTEIN NAME: Insulin. FUNCTION: Lowers glucose.')
    """

    accession: str
    sequence: str
    properties: tuple[str, ...]
    confidence: int
    reviewed: bool | None = None
    stated: bool = field(default=True, compare=False)

    @property
    def coverage(self) -> int:
        """How many of the four properties are present; the paper's R is this divided by 4."""
        return len(self.properties) - self.properties.count("")

    @property
    def biotext(self) -> str:
        """The present properties as one text, see `biotext.compose`."""
        return compose(self.properties)


class Rejection(NamedTuple):
    """Something in a file that is no usable pair.

    Parameters:
        where (str): the accession, or the line number where there is none
        reason (str): one of a few, so that they can be counted
        detail (str): what exactly
    """

    where: str
    reason: str
    detail: str = ""


def fault(entry: Entry) -> Rejection | None:
    """Why an entry cannot be a pair, or None if it can.

    Example::

        >>> fault(Entry("P1", "MK*", ("Insulin", "", "", ""), 1))
        Rejection(where='P1', reason='letters that are no residues', detail="'*'")
    """
    if not entry.sequence:
        return Rejection(entry.accession, "no sequence")
    if foreign := foreign_letters(entry.sequence):
        return Rejection(entry.accession, "letters that are no residues", repr(foreign))
    if entry.confidence not in PROTEIN_EXISTENCE:
        return Rejection(entry.accession, "unknown protein existence", str(entry.confidence))
    if not any(entry.properties):
        return Rejection(entry.accession, "no property")
    return None
