"""Puts an entry into the text of a UniProtKB flat file, as TrEMBL's look today."""

import gzip
import re
import textwrap
from functools import lru_cache
from pathlib import Path

from protclip_td.data.entry import Entry
from protclip_td.properties import PROPERTIES, PROTEIN_EXISTENCE

_REFERENCES, _CROSS_REFERENCES = 700, 700  # bytes of them per entry, about


class FlatFile:
    """Renders entries; what no pair is made of comes from real entries.

    Parameters:
        sample (Path): gzip-compressed flat file that lends its lines
    """

    def __init__(self, sample: Path) -> None:
        with gzip.open(sample, "rt") as file:
            blocks = file.read().split("\n//\n")[:-1]
        self._lent = [
            (
                _lines(block, "OC"),
                _lines(block, "R[NPXATL]", _REFERENCES),
                _lines(block, "DR", _CROSS_REFERENCES),
                _lines(block, "KW|FT", _CROSS_REFERENCES),
            )
            for block in blocks
        ]

    def text(self, entry: Entry, index: int) -> str:
        """One entry, with its `//`. Evidence tags are added, which readers strip by default."""
        lineage, references, cross_references, features = self._lent[index * 7919 % len(self._lent)]
        kind = "Reviewed" if entry.reviewed else "Unreviewed"
        section = "Swiss-Prot" if entry.reviewed else "TrEMBL"
        size = len(entry.sequence)
        return (
            f"ID   {f'{entry.accession}_SYNTH':<24}{kind};{size:>12} AA.\n"
            f"AC   {entry.accession};\n"
            f"DT   05-JUN-2019, integrated into UniProtKB/{section}.\n"
            "DT   05-JUN-2019, sequence version 1.\n"
            "DT   24-JAN-2024, entry version 12.\n"
            f"{_name(entry, index)}"
            f"GN   ORFNames={entry.accession}_{index:05d};\n"
            f"OS   synthetic construct.\n{lineage}OX   NCBI_TaxID=32630;\n"
            f"{references}{_comments(entry)}{cross_references}"
            f"PE   {entry.confidence}: {PROTEIN_EXISTENCE[entry.confidence]};\n{features}"
            f"SQ   SEQUENCE{size:>6} AA;{110 * size:>7} MW;  {_scatter(index, 64):016X} CRC64;\n"
            f"{_residues(entry.sequence)}//\n"
        )


def _scatter(index: int, bits: int) -> int:
    """A number that looks like a checksum, and that no reader of pairs checks."""
    return index * 0x9E3779B97F4A7C15 % 2**bits


def _lines(block: str, codes: str, limit: int = 10_000) -> str:
    """The lines of some codes, up to about a number of bytes."""
    lines, size = [], 0
    for line in re.findall(rf"^(?:{codes})   .*\n", block + "\n", re.MULTILINE):
        size += len(line)
        if size > limit:
            break
        lines.append(line)
    return "".join(lines)


def _name(entry: Entry, index: int) -> str:
    """The name; TrEMBL's says which nucleotide entry it came with, so its tag is its own."""
    if entry.reviewed:
        return f"DE   RecName: Full={entry.properties[0]};\n"
    tag = f"{{ECO:0000313|EMBL:{_scatter(index, 40):010X}.1}}"
    return f"DE   SubName: Full={entry.properties[0]} {tag};\n"


def _comments(entry: Entry) -> str:
    pairs = zip(PROPERTIES[1:], entry.properties[1:])
    return "".join(_comment(p.topic, text, bool(entry.reviewed)) for p, text in pairs if text)


@lru_cache(maxsize=50_000)
def _comment(topic: str, text: str, reviewed: bool) -> str:
    """A comment, wrapped at spaces as UniProt does."""
    rule = sum(map(ord, text)) % 100_000
    tag = f"{{ECO:0000256|ARBA:ARBA{rule:08d}}}."
    source = "" if reviewed else f" {tag}"
    lines = textwrap.wrap(f"-!- {topic}: {text}{source}", 70, break_on_hyphens=False,
                          break_long_words=False)  # fmt: skip
    return "".join(f"CC   {'' if i == 0 else '    '}{line}\n" for i, line in enumerate(lines))


def _residues(sequence: str) -> str:
    lines = []
    for begin in range(0, len(sequence), 60):
        row = sequence[begin : begin + 60]
        lines.append("     " + " ".join([row[i : i + 10] for i in range(0, len(row), 10)]) + "\n")
    return "".join(lines)
