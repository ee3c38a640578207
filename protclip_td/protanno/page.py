"""Pieces of an HTML page: no scripts, nothing fetched, every text escaped."""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """\
body { font: 15px/1.45 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
img { max-width: 100%; }
code { word-break: break-all; }
.note { color: #555; }"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head>\n<meta charset="utf-8">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>\n</head>",
        f"<body>\n<h1>{escape(title)}</h1>",
        *parts,
        "</body>\n</html>\n",
    ]
    return "\n".join(lines)


def heading(text: str) -> str:
    """The heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """A paragraph in a fainter colour."""
    return f'<p class="note">{escape(text)}</p>'


def picture(name: str, description: str) -> str:
    """A picture that lies beside the page."""
    return f'<img src="{escape(name)}" alt="{escape(description)}">'


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; whole numbers get separators.

    Example::

        >>> table(["what", "number"], [["pairs", 1234]]).splitlines()[-2]
        '<tr><td>pairs</td><td>1,234</td></tr>'
    """
    lines = [f"<table>\n<thead>{_row(header, 'th')}</thead>", *(_row(row, "td") for row in rows)]
    return "\n".join([*lines, "</table>"])


def _row(cells: Sequence[object], tag: str) -> str:
    texts = (f"{cell:,}" if type(cell) is int else str(cell) for cell in cells)
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in texts)}</tr>"
