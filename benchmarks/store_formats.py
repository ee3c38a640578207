"""Which format a store of pairs should have: size, speed and who can read it.

    python benchmarks/store_formats.py              # one million rows, about 8 minutes
    python benchmarks/store_formats.py 100000       # a quick look

Writes synthetic rows (`synthetic_entries.py`; the groups of the default rule) in each format and
reads them from one process in batches of 64, each format in fresh processes.

Columns: `of gzip` is the size against the gzip-compressed flat text of the fields kept; `built` is
rows written per second; `random` reads rows at random from everywhere; `drawn` in the order of
training, block by block (a format without blocks is given the same order); `MB` is the memory that
both took on top; `forked` says whether a forked process read on after its parent had read; Lance
warns that it is not fork-safe, whatever this test finds.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from formats_rows import make_rows
from pretrain_step import run_python
from tables import aligned, markdown

_HERE = Path(__file__).resolve().parent
KINDS = (
    "arrow",
    "arrow 512",
    "lance",
    "lmdb",
    "parquet 128",
    "parquet 256",
    "parquet 512",
    "parquet 512 level 3",
    "parquet 512 level 9",
    "parquet 1024",
    "parquet 2048",
)
#: What opens it besides Python code written for it.
_TOOLS = {
    "arrow": "DuckDB, Polars, datasets",
    "lance": "Lance, DuckDB (extension)",
    "lmdb": "none",
    "parquet": "DuckDB, Polars, datasets",
}
_HEADER = ("format", "of gzip", "bytes/row", "built", "open, ms", "random", "drawn", "MB", "forked",
           "read by")  # fmt: skip

Result = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    args = parse(argv)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        rows = Path(folder) / "rows.arrow"
        gzip_bytes = make_rows(rows, args.rows)
        print(f"{args.rows:,} synthetic rows, {gzip_bytes:.0f} bytes each with gzip", flush=True)
        results = {}
        for kind in args.kinds:
            print(f"{kind} ...", file=sys.stderr, flush=True)
            results[kind] = measure(kind, rows, args.seconds)
    table = [table_row(kind, result, gzip_bytes, args.rows) for kind, result in results.items()]
    print((markdown if args.markdown else aligned)(_HEADER, table))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument(
        "--kinds", nargs="+", default=KINDS, metavar="FORMAT", help=", ".join(KINDS)
    )
    parser.add_argument("--seconds", type=float, default=4, help="for each order of reading")
    parser.add_argument("--folder", type=Path, help="where there is room (default: /tmp)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    return parser.parse_args(argv)


def measure(kind: str, rows: Path, seconds: float) -> Result:
    """Write and read one format."""
    result: Result = {}
    with tempfile.TemporaryDirectory(dir=rows.parent) as folder:
        settings = {"kind": kind, "rows": str(rows), "folder": f"{folder}/store",
                    "seconds": seconds}  # fmt: skip
        for write in (True, False):
            code = json.dumps({**settings, "write": write})
            result |= json.loads(run_python(str(_HERE / "formats_probe.py"), code))
    return result


def table_row(kind: str, result: Result, gzip_bytes: float, rows: int) -> list[str]:
    """One format as a row of the table."""
    per_row = result["bytes"] / rows
    return [
        kind,
        f"{per_row / gzip_bytes:.2f}",
        f"{per_row:.0f}",
        f"{result['built_rows_per_second']:,.0f}",
        f"{1000 * result['open_seconds']:.1f}",
        f"{result['random_rows_per_second']:,.0f}",
        f"{result['drawn_rows_per_second']:,.0f}",
        f"{result['memory_mb']:.0f}",
        "yes" if result["forks"] else "NO",
        _TOOLS[kind.split()[0]],
    ]


if __name__ == "__main__":
    main()
