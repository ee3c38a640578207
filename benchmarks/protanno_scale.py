"""What building and using ProtAnno costs, from ten thousand entries to a million, and beyond.

    python benchmarks/protanno_scale.py                       # about 9 minutes
    python benchmarks/protanno_scale.py --sizes 10000 100000  # about a minute

For each size: writes a gzip-compressed flat file of synthetic TrEMBL-like entries
(`synthetic_entries.py`), builds a store of all of them from the command line, with one process and
with two, and reads from it in a fresh process. Then opens and draws from stores of 10 million and
of 251.5 million entries, made of links to the full parts of the largest one, if it has any
(`scale_links.py`), and projects build time and size to the latter. Entries of all levels are kept,
which the rule would drop by default.

Columns: `peak` is the memory of all processes of the build together, `largest` that of one; `disk`
is the most that it had on disk; `of gzip` is the store's size against the gzip-compressed flat text
of the same fields. `open` is what the first opening took and added to a process that reads only,
which then is as large as `process`; `random` and `drawn` are rows read per second in batches of 64,
at random from everywhere and by the sampler, after its first 256 batches, which took `warm-up`;
`read` is the memory that this added; a forked data-loader worker adds `worker` when it opens the
store, and `+ 100` when it has read 100 batches.
"""

import argparse
import json
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretrain_step import run_python
from scale_build import build, sizes_of
from scale_links import can_grow, grow
from scale_plot import draw_scale
from synthetic_entries import Synthetic, paper_shares, write_flat_file
from tables import aligned, markdown

from protclip_td.protanno.paper import PAIRS

_HERE = Path(__file__).resolve().parent
_SIZES = (10_000, 100_000, 1_000_000)
_LINKED = (10_000_000, PAIRS["ProtAnno-D"])
_GZIPPED = 50_000  # entries whose flat text is compressed for comparison

Result = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, draw the picture."""
    args = parse(argv)
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        results = [measure(size, Path(folder), args) for size in args.sizes]
        largest = Path(folder) / f"store-{args.sizes[-1]}"
        wanted = args.linked if can_grow(largest) else []
        linked = [measure_linked(largest, size, args.seconds) for size in wanted]
    show = markdown if args.markdown else aligned
    print(show(_BUILDS, [row for result in results for row in build_rows(result)]))
    print()
    print(show(_READING, [reading_row(result) for result in [*results, *linked]]))
    print()
    print(show(("251.5 million entries", "projected"), projection(results[-1])))
    if args.json:
        args.json.write_text(json.dumps({"measured": results, "linked": linked}, indent=1) + "\n")
    if args.plot:
        draw_scale(results, args.plot)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, metavar="ENTRIES")
    parser.add_argument("--linked", type=int, nargs="*", default=_LINKED, metavar="ENTRIES")
    parser.add_argument("--jobs", type=int, nargs="+", default=(1, 2), help="processes of a build")
    parser.add_argument("--seconds", type=float, default=3, help="for each order of reading")
    parser.add_argument("--folder", type=Path, help="where there is room (default: /tmp)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--json", type=Path, help="file for all results")
    parser.add_argument("--plot", type=Path, help="PNG file for the picture")
    return parser.parse_args(argv)


def measure(size: int, folder: Path, args: argparse.Namespace) -> Result:
    """Build a store of some size, with each number of processes, and read from the last one."""
    source = folder / f"synthetic-{size}.dat.gz"
    say(f"{size:,} entries: writing ...")
    text_bytes = write_flat_file(source, size)
    builds = []
    for jobs in args.jobs:
        say(f"{size:,} entries: building with {jobs} ...")
        store = folder / f"store-{size}"
        if store.exists():
            store.rename(folder / f"before-{size}-{jobs}")
        builds.append(build(source, store, jobs))
    say(f"{size:,} entries: reading ...")
    return {
        "entries": size,
        "flat_bytes": text_bytes,
        "source_bytes": source.stat().st_size,
        "gzip_bytes": gzip_per_entry(min(size, _GZIPPED)) * size,
        "builds": builds,
        **sizes_of(store),
        **read(store, args.seconds),
    }


def measure_linked(store: Path, size: int, seconds: float) -> Result:
    """Open and read a store that is made of links."""
    say(f"{size:,} entries by links: reading ...")
    folder = store.parent / f"linked-{size}"
    folder.mkdir()
    entries = grow(store, folder, paper_shares(), size)
    return {"entries": entries, "linked": True, **read(folder, seconds)}


def read(store: Path, seconds: float) -> Result:
    """Open and read a store in a fresh process."""
    return json.loads(run_python(str(_HERE / "scale_probe.py"), str(store), str(seconds)))


def gzip_per_entry(number: int) -> float:
    """Bytes per entry of the flat text of the fields kept, after gzip."""
    packer, size = zlib.compressobj(6, wbits=31), 0
    for entry in Synthetic().entries(number):
        fields = (entry.accession, entry.sequence, *entry.properties, str(entry.confidence))
        size += len(packer.compress(("\t".join(fields) + "\n").encode()))
    return (size + len(packer.flush())) / number


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


_BUILDS = ("entries", "processes", "input, MB", "seconds", "entries/s", "peak, MB", "largest, MB",
           "disk, MB", "store, MB", "of gzip")  # fmt: skip


def build_rows(result: Result) -> list[list[str]]:
    """What each build of one size took."""
    return [
        [
            f"{result['entries']:,}",
            str(build["jobs"]),
            f"{result['source_bytes'] / 1e6:,.0f}",
            f"{build['seconds']:.1f}",
            f"{result['entries'] / build['seconds']:,.0f}",
            f"{build['peak_mb']:.0f}",
            f"{build['process_mb']:.0f}",
            f"{build['disk_mb']:,.0f}",
            f"{result['store_bytes'] / 1e6:,.1f}",
            f"{result['store_bytes'] / result['gzip_bytes']:.2f}",
        ]
        for build in result["builds"]
    ]


_READING = ("store", "open, ms", "open, MB", "process, MB", "draws/s", "warm-up, s", "drawn",
            "random", "read, MB", "worker, MB", "+ 100, MB")  # fmt: skip


def reading_row(result: Result) -> list[str]:
    """What opening a store and reading from it took."""
    linked = " (links)" if result.get("linked") else ""
    return [
        f"{result['entries']:,}{linked}",
        f"{result['open_ms']:.1f}",
        f"{result['open_mb']:.1f}",
        f"{result['process_mb']:.0f}",
        f"{result['draws_per_second']:,.0f}",
        f"{result['warm_up_seconds']:.1f}",
        f"{result['drawn_rows_per_second']:,.0f}",
        f"{result['random_rows_per_second']:,.0f}",
        f"{result['read_mb']:.0f}",
        f"{result['worker_open_mb']:.1f}",
        f"{result['worker_mb']:.0f}",
    ]


def projection(result: Result) -> list[list[str]]:
    """What the whole of the paper's data takes at the largest size's cost per entry."""
    times = PAIRS["ProtAnno-D"] / result["entries"]
    memory = max(build["peak_mb"] for build in result["builds"])
    disk = max(build["disk_mb"] for build in result["builds"])
    return [
        *([f"hours to build, {build['jobs']} process{'es' * (build['jobs'] > 1)}",
           f"{build['seconds'] * times / 3600:.1f}"] for build in result["builds"]),
        ["input, GB (gzip)", f"{result['source_bytes'] * times / 1e9:.0f}"],
        ["store of everything, GB", f"{result['store_bytes'] * times / 1e9:.0f}"],
        ["store of what the rule keeps, GB", f"{result['kept_bytes'] * times / 1e9:.1f}"],
        ["disk while it is built, GB", f"{disk * times / 1e3:.0f}"],
        ["memory of the build, MB", f"{memory:.0f}"],
    ]  # fmt: skip


if __name__ == "__main__":
    main()
