"""Tables with a header line, CSV or TSV, read by column name."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protclip_td.data.reading.binary import check_text
from protclip_td.data.reading.source import read_pieces
from protclip_td.errors import InputError


@dataclass(frozen=True)
class Table:
    """Columns of text by name, the line of the file on which each row ends, and its checksum.

    Example::

        >>> table = read_table("stability.csv")
        >>> table.column("stability")[:2], table.where(0)
        (['0.17', '-0.20'], 'stability.csv, line 2')
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    sha256: str

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """File and line of a row, for messages."""
        return f"{self.path}, line {self.lines[row]}"

    def column(self, name: str) -> list[str]:
        """Cells of one column, without the blanks around them.

        Raises:
            InputError: there is no such column
        """
        if name not in self.columns:
            raise InputError(
                f"{self.path} has no column {name!r}; it has {list(self.columns)}"
                f"{self._separator_hint()}"
            )
        return self.columns[name]

    def _separator_hint(self) -> str:
        """A word about semicolons, with which spreadsheet programs write CSV in some countries."""
        if len(self.columns) > 1 or ";" not in next(iter(self.columns)):
            return ""
        return ". Columns are separated by commas or tabs here; save the table with these"


def read_table(path: str | Path) -> Table:
    """Read a table of text with a header line.

    Columns are separated by tabs if the header has one, by commas otherwise; cells may be quoted.
    A byte-order mark, Windows line ends, and lines with nothing but blanks or empty cells do no
    harm.

    Parameters:
        path (str or Path): the file, UTF-8, plain or gzip

    Returns:
        the table

    Raises:
        InputError: no such file, not a text file, no header or no row, a column name that occurs
            twice, or a row with more or fewer cells than the header
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a CSV or TSV table with a header line")
    digest = hashlib.sha256()
    content = b"".join(piece for piece, _ in read_pieces(path, digest))
    check_text(content.partition(b"\n")[0], path, "a CSV or TSV table in UTF-8")
    try:
        file = io.StringIO(content.decode(), newline="")
        header = next((line for line in file if line.strip()), "")
        file.seek(0)
        reader = csv.reader(file, delimiter="\t" if "\t" in header else ",")
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a table ({error}); expected CSV or TSV text in UTF-8"
        ) from error
    return Table(path, *_columns(path, rows), digest.hexdigest())


def _columns(
    path: Path, rows: Sequence[tuple[int, list[str]]]
) -> tuple[dict[str, list[str]], list[int]]:
    """Turn the rows of a file, header first, into columns by name and the lines of the rows."""
    if len(rows) < 2:
        what = "a header line but no row" if rows else "nothing"
        raise InputError(f"{path} holds {what}; expected a header line and rows below it")
    names = [name.strip() for name in rows[0][1]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column names {twice} occur more than once in the header")
    for line, row in rows[1:]:
        if len(row) != len(names):
            spans = any("\n" in cell for cell in row)
            hint = ". One of them spans lines: is a quote not closed?" if spans else ""
            raise InputError(
                f"{path}, line {line}: {len(row)} cells, but the header has {len(names)} "
                f"columns{hint}"
            )
    cells = zip(*(row for _, row in rows[1:]))
    columns = {name: [cell.strip() for cell in column] for name, column in zip(names, cells)}
    return columns, [line for line, _ in rows[1:]]
