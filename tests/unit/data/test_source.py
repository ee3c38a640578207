"""Files piece by piece: what their lines end with, wherever a piece ends."""

import pytest

from protclip_td.data.reading import source
from protclip_td.data.reading.source import read_pieces
from protclip_td.data.reading.text_lines import text_lines

LINES = ["ID   A", "", "SQ   sequence", "MKV", "//"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_with_line_feeds_whatever_they_end_with(tmp_path, monkeypatch, end, size, last):
    monkeypatch.setattr(source, "_READ", size)
    path = tmp_path / "entry.dat"
    path.write_bytes((end.join(LINES) + (end if last else "")).encode())
    found = b"".join(piece for piece, _ in read_pieces(path))
    assert found == ("\n".join(LINES) + ("\n" if last else "")).encode()
    assert list(text_lines(path, "text")) == [*enumerate(LINES, 1)]
