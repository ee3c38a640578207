"""Tables of text read by column name, whatever wrote them."""

import gzip
import hashlib

import pytest

from protclip_td.data.reading.table import read_table
from protclip_td.errors import InputError


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "sequence,y\nMKV,1\nMLA,2\n",
        "sequence\ty\nMKV\t1\nMLA\t2\n",
        "sequence,y\r\nMKV,1\r\nMLA,2",
        "sequence , y\n\nMKV, 1\n\nMLA ,2\n\n",
        '"sequence","y"\n"MKV","1"\n"MLA","2"\n',
        "\nsequence\ty\nMKV\t1\nMLA\t2\n",
        "\r\n \t\r\nsequence\ty\r\nMKV\t1\r\n  \r\nMLA\t2\r\n",
        "  \nsequence,y\nMKV,1\n \t\nMLA,2\n,\n",
    ],
    ids=[
        "comma",
        "tab",
        "windows",
        "blanks",
        "quoted",
        "tab below an empty line",
        "tab below blanks",
        "comma below blanks",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_same_table_in_any_dress(tmp_path, text, encoding):
    table = read_table(written(tmp_path, text, encoding))
    assert table.columns == {"sequence": ["MKV", "MLA"], "y": ["1", "2"]}


def test_quoted_newline_stays_in_its_cell(tmp_path):
    table = read_table(written(tmp_path, 'name,y\n"two\nlines",1\nb,2\n'))
    assert table.column("name") == ["two\nlines", "b"]
    assert table.where(1).endswith("table.csv, line 4")


def test_line_numbers_count_empty_lines(tmp_path):
    table = read_table(written(tmp_path, "\n \ny\tz\n\n1\t2\n"))
    assert table.where(0).endswith("table.csv, line 5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds nothing; expected a header line"),
        ("sequence,y\n", "a header line but no row"),
        ("y,y,z\n1,2,3\n", r"\['y'\] occur more than once"),
        ("sequence,y\nMKV,1\nMLA\n", "line 3: 1 cells, but the header has 2 columns$"),
        ('sequence,y\nMKV,1\n"MLA,2\nMK,3\n', "line 4: 1 cells, .* 2 columns.*is a quote not clo"),
    ],
)
def test_broken_table(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_table(written(tmp_path, text))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such file; expected a CSV or TSV"):
        read_table(tmp_path / "none.csv")


def test_file_that_is_no_text(tmp_path):
    path = tmp_path / "table.xlsx"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00\x00")
    with pytest.raises(
        InputError, match=r"table\.xlsx: no text in UTF-8, but a zip archive.*Expected"
    ):
        read_table(path)
    path.write_bytes(b"sequence,y\nMKV,\xff\n")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(path)


def test_gzip(tmp_path):
    content = gzip.compress(b"sequence,y\nMKV,1\n")
    (tmp_path / "table.csv.gz").write_bytes(content)
    table = read_table(tmp_path / "table.csv.gz")
    assert table.columns == {"sequence": ["MKV"], "y": ["1"]}
    assert table.sha256 == hashlib.sha256(content).hexdigest()


def test_semicolons(tmp_path):
    table = read_table(written(tmp_path, "sequence;y\nMKV;1\n"))
    message = r"no column 'y'; it has \['sequence;y'\]\. Columns are separated by commas or tabs"
    with pytest.raises(InputError, match=message):
        table.column("y")


def test_missing_column(tmp_path):
    table = read_table(written(tmp_path, "sequence,y\nMKV,1\n"))
    with pytest.raises(InputError, match=r"has no column 'x'; it has \['sequence', 'y'\]"):
        table.column("x")
