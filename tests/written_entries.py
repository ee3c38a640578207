"""One short record for an entry in each format that pairs are read from."""

import json

from protclip_td.data.reading.formats import Format

#: The line of column names that belongs to `as_row`.
HEADER = "Entry\tFunction\tProtein existence\tSequence"


def as_flat(entry):
    """A short flat-file entry."""
    return (
        f"ID   {entry.accession}_X    Reviewed;   {len(entry.sequence)} AA.\n"
        f"AC   {entry.accession};\nDE   RecName: Full={entry.accession} neighbour;\n"
        f"CC   -!- FUNCTION: {entry.properties[1]}\nPE   1: Evidence at protein level;\n"
        f"SQ   SEQUENCE   {len(entry.sequence)} AA;\n     {entry.sequence}\n//\n"
    )


def as_json(entry):
    return (
        json.dumps({"accession": entry.accession, "seq": entry.sequence, "text": entry.biotext})
        + "\n"
    )


def as_xml(entry):
    """A short XML entry with name, existence and sequence."""
    return (
        f'<entry dataset="Swiss-Prot">\n<accession>{entry.accession}</accession>\n<protein>'
        f"<recommendedName><fullName>A &amp; {entry.accession}</fullName></recommendedName>"
        '</protein>\n<proteinExistence type="predicted"/>\n<sequence '
        f'length="{len(entry.sequence)}">{entry.sequence}</sequence>\n</entry>\n'
    )


def as_fasta(entry):
    lines = [entry.sequence[i : i + 60] for i in range(0, len(entry.sequence), 60)]
    return (
        f">sp|{entry.accession}|X_Y Protein {entry.accession} OS=O PE=2 SV=1\n"
        + "\n".join(lines)
        + "\n"
    )


def as_row(entry):
    return f"{entry.accession}\tFUNCTION: Binds {entry.accession}.\tPredicted\t{entry.sequence}\n"


#: How an entry is written in each format.
WRITE = {
    Format.FLAT_FILE: as_flat,
    Format.XML: as_xml,
    Format.FASTA: as_fasta,
    Format.TSV: as_row,
    Format.JSON_LINES: as_json,
}
