"""Writes stores: rows to Parquet parts, and small ones from an iterable in one go."""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from protclip_td.data.entry import Entry, Rejection
from protclip_td.data.pairs import (
    BLOCK_ROWS,
    FORMAT,
    MANIFEST,
    PART_ROWS,
    SCHEMA,
    Store,
    part_name,
    sequence_digest,
)
from protclip_td.data.tally import Tally
from protclip_td.errors import InputError
from protclip_td.version import __version__

#: Table in the store's folder of what was left out, and why.
REJECTED = "rejected.tsv"

# Each text is almost unique, and lengths apart from letters compress best.
_TEXTS = [field.name for field in SCHEMA if field.type == pa.string()]
_PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,
    "column_encoding": dict.fromkeys(_TEXTS, "DELTA_LENGTH_BYTE_ARRAY"),
    "write_statistics": ["digest"],  # where a split begins is found by them
    "store_schema": False,
}


def to_table(entries: Sequence[Entry]) -> pa.Table:
    """Entries as columns of a store, in their order."""
    texts = zip(*((e.accession, e.sequence, *e.properties) for e in entries))
    columns = [pa.array(column, pa.string()) for column in texts] or [[]] * len(_TEXTS)
    reviewed = pa.array([entry.reviewed for entry in entries], pa.bool_())
    digests = pa.array([sequence_digest(entry.sequence) for entry in entries], pa.uint64())
    return pa.table([*columns, reviewed, digests], schema=SCHEMA)


def store_order(entry: Entry) -> tuple[int, str]:
    """What entries of a group are sorted by."""
    return sequence_digest(entry.sequence), entry.accession


def write_part(path: Path, tables: Iterable[pa.Table]) -> dict[str, Any]:
    """Write the rows of some tables to one Parquet file, in blocks of `BLOCK_ROWS` rows.

    Parameters:
        path (Path): file to make, also its folder
        tables (iterable of Table): rows in the order of the store, at most `PART_ROWS` of them

    Returns:
        dict: rows, bytes and sha256 of the file, for the manifest
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(path, SCHEMA, **_PARQUET) as writer:
        for block in _blocks(tables):
            writer.write_table(block, row_group_size=BLOCK_ROWS)
            rows += len(block)
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _blocks(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of whole blocks, but for the last."""
    rest = SCHEMA.empty_table()
    for table in tables:
        rest = pa.concat_tables([rest, table])
        whole = len(rest) // BLOCK_ROWS * BLOCK_ROWS
        if whole:
            yield rest.slice(0, whole)
            rest = rest.slice(whole)
    if len(rest):
        yield rest


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe_groups(parts: dict[tuple[int, int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The groups of a manifest from what `write_part` said, by confidence and coverage."""
    return [
        {
            "confidence": confidence,
            "coverage": coverage,
            "parts": [
                {"path": part_name(confidence, coverage, number), **part}
                for number, part in enumerate(parts[confidence, coverage])
            ],
        }
        for confidence, coverage in sorted(parts)
    ]


def make_manifest(
    groups: list[dict[str, Any]],
    before: Tally,
    after: Tally,
    rejected: dict[str, int],
    description: dict[str, Any],
) -> dict[str, Any]:
    """What a store says of itself.

    It holds no time, no machine and no path, so that the same inputs give the same bytes.

    Parameters:
        groups (list): see `describe_groups`
        before (Tally): of the entries that were read
        after (Tally): of those in the store
        rejected (dict): how many were no pairs, by reason
        description (dict): more of it, such as inputs and options
    """
    content = json.dumps(groups, sort_keys=True).encode()
    return {
        "format": FORMAT,
        "pairs": f"pairs-{hashlib.sha256(content).hexdigest()[:12]}",
        "entries": int(after.counts.sum()),
        **description,
        "counts": {"before": before.counts.tolist(), "after": after.counts.tolist()},
        "rejected": dict(sorted(rejected.items())),
        "statistics": after.histograms(),
        "versions": {"protclip_td": __version__, "pyarrow": pa.__version__},
        "block_rows": BLOCK_ROWS,
        "part_rows": PART_ROWS,
        "groups": groups,
    }


def rejected_line(record: Sequence[str]) -> str:
    """A line of the table of what was left out."""
    return "\t".join(" ".join(cell.split()) for cell in record) + "\n"


def write_store(
    entries: Iterable[Entry],
    folder: str | Path,
    rejected: Sequence[Rejection] = (),
    description: dict[str, Any] | None = None,
) -> Store:
    """Write a store of as many entries as fit into memory, whole or not at all.

    Every entry is kept. The store is made beside `folder` and then renamed; if another process
    puts one there first, that one stays, and is the one returned.

    Parameters:
        entries (iterable of Entry): in any order
        folder (str): where the store shall be
        rejected (sequence of Rejection, optional): what was left out, which may grow while
            `entries` is read; kept as a table in the folder and counted in the manifest
        description (dict, optional): goes into the manifest, such as source and options

    Raises:
        InputError: no entry at all, or the folder cannot be written to
    """
    folder = Path(folder).expanduser()
    building = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        building.chmod(0o755)
        _write(building, entries, rejected, description or {})
        _rename(building, folder)
    except OSError as error:
        raise InputError(
            f"cannot write the ProtAnno store {folder}: {error.strerror or error}; "
            "give a path on a disk with room where you may write"
        ) from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    return Store(folder)


def _rename(building: Path, folder: Path) -> None:
    try:
        os.rename(building, folder)
    except OSError:
        if not (folder / MANIFEST).is_file():
            raise


def _write(
    building: Path,
    entries: Iterable[Entry],
    rejected: Sequence[Rejection],
    description: dict[str, Any],
) -> None:
    groups: dict[tuple[int, int], list[Entry]] = defaultdict(list)
    tally = Tally()
    for entry in entries:
        groups[entry.confidence, entry.coverage].append(entry)
        tally.add(entry)
    if not groups:
        raise InputError(nothing_left(rejected, description))
    parts = {key: _write_group(building / "pairs", key, rows) for key, rows in groups.items()}
    reasons = Counter(rejection.reason for rejection in rejected)
    manifest = make_manifest(describe_groups(parts), tally, tally, reasons, description)
    (building / "pairs").rename(building / manifest["pairs"])
    with (building / REJECTED).open("w") as table:
        table.writelines(map(rejected_line, (Rejection._fields, *rejected)))
    (building / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def _write_group(
    folder: Path, group: tuple[int, int], entries: list[Entry]
) -> list[dict[str, Any]]:
    entries.sort(key=store_order)
    begins = range(0, len(entries), PART_ROWS)
    return [
        write_part(
            folder / part_name(*group, number), [to_table(entries[begin : begin + PART_ROWS])]
        )
        for number, begin in enumerate(begins)
    ]


def nothing_left(rejected: Sequence[Rejection], description: dict[str, Any]) -> str:
    """Message for a source without a single pair."""
    reasons = Counter(rejection.reason for rejection in rejected)
    why = ", ".join(f"{number} x {reason}" for reason, number in reasons.most_common())
    first = f"; the first is {' '.join(filter(None, rejected[0]))}" if rejected else ""
    return (
        f"no usable entry in {description.get('source', {}).get('path', 'the source')}: "
        f"{len(rejected)} rejected ({why or 'nothing in it'}){first}"
    )
