"""What a reader is asked for, and whether an entry is that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from protclip_td.data.entry import Entry, Rejection, fault
from protclip_td.errors import InputError
from protclip_td.properties import PROPERTY_KEYS, PROTEIN_EXISTENCE


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How entries are read.

    Parameters:
        keep_evidence (bool, optional): keep UniProt's evidence tags (`{ECO:...}`) in comments;
            names never have them, as in UniProt's own "Protein names" column
        confidence (int, optional): sample confidence of entries that do not state it; by default 1
            in JSON lines and ProtST's TSV, while in UniProt's own formats such an entry is rejected
        properties (tuple of str, optional): keys of the properties that are wanted, in the order
            in which a biotext has them; the others are left empty
        min_residues (int, optional): shorter sequences are rejected
        max_residues (int, optional): longer ones are, None for no limit

    Raises:
        InputError: unknown or repeated properties, a confidence that is none, or a maximum below
            the minimum
    """

    keep_evidence: bool = False
    confidence: int | None = None
    properties: tuple[str, ...] = PROPERTY_KEYS
    min_residues: int = 1
    max_residues: int | None = None

    def __post_init__(self) -> None:
        wrong = [key for key in self.properties if key not in PROPERTY_KEYS]
        if wrong or not self.properties or len(set(self.properties)) < len(self.properties):
            raise InputError(
                f"properties: {', '.join(self.properties) or 'none'} given; expected each at most "
                f"once of {', '.join(PROPERTY_KEYS)}"
            )
        if self.confidence is not None and self.confidence not in PROTEIN_EXISTENCE:
            raise InputError(f"confidence: {self.confidence} given; expected 1 (best) to 5")
        if self.max_residues is not None and self.max_residues < self.min_residues:
            raise InputError(
                f"sequence length: at least {self.min_residues} and at most {self.max_residues} "
                "residues given, which no sequence has"
            )


def admit(entry: Entry, options: ReadOptions, *stated_lengths: int | None) -> Entry | Rejection:
    """An entry with the properties that are wanted, or why it is not taken.

    Parameters:
        entry (Entry): as it was read
        options (ReadOptions): what is wanted
        stated_lengths (int, optional): how many residues the file says that it has, once for each
            place where it may do so; None where it does not
    """
    if len(options.properties) < len(PROPERTY_KEYS):
        entry = _with_properties(entry, options.properties)
    return fault(entry) or _wrong_length(entry, options, stated_lengths) or entry


def read_number(text: str) -> int | None:
    """A length as files state it, None if it is no number.

    Example::

        >>> read_number("1,022"), read_number("long")
        (1022, None)
    """
    digits = text.strip().replace(",", "")
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def _with_properties(entry: Entry, wanted: tuple[str, ...]) -> Entry:
    texts = zip(PROPERTY_KEYS, entry.properties)
    return replace(entry, properties=tuple(text if key in wanted else "" for key, text in texts))


def _wrong_length(
    entry: Entry, options: ReadOptions, stated_lengths: Sequence[int | None]
) -> Rejection | None:
    length = len(entry.sequence)
    for number in stated_lengths:
        if number is not None and number != length:
            detail = f"{length} residues, the header says {number}"
            return Rejection(entry.accession, "sequence length contradicts the header", detail)
    if length < options.min_residues:
        return Rejection(entry.accession, "sequence too short", f"{length} residues")
    if options.max_residues is not None and length > options.max_residues:
        return Rejection(entry.accession, "sequence too long", f"{length} residues")
    return None
