"""Reads protein sequences from FASTA files."""

from pathlib import Path

from protclip_td.data.residues import check_sequence
from protclip_td.data.source import open_source
from protclip_td.errors import InputError


def read_fasta(path: str | Path) -> dict[str, str]:
    """Sequences of a FASTA file, plain or gzip, by the first word of their header lines.

    Windows line ends, a byte-order mark, empty lines and lower case do no harm.

    Parameters:
        path (str or Path): the file

    Raises:
        InputError: no such file, no sequence in it, text before the first header, a name that
            stands for two sequences, or letters that are no residues, such as gaps and stops

    Example::

        >>> _ = Path("chains.fasta").write_text(">1ABC-A nrPDB\\nMKT\\nAYI\\n")
        >>> read_fasta("chains.fasta")
        {'1ABC-A': 'MKTAYI'}
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected protein sequences in FASTA format")
    with open_source(path) as file:
        text = file.read().decode("utf-8-sig", "replace")
    before, *records = ("\n" + text.replace("\r", "")).split("\n>")
    if before.strip() or not records:
        raise InputError(f"{path} is no FASTA file; expected a line that begins with '>' on top")
    sequences: dict[str, str] = {}
    for record in records:
        header, _, body = record.partition("\n")
        name = header.split()[0] if header.split() else ""
        sequence = "".join(body.split()).upper()
        check_sequence(sequence, f"{path}: {name!r}")
        if sequences.setdefault(name, sequence) != sequence:
            raise InputError(f"{path}: {name!r} stands for two different sequences")
    return sequences
