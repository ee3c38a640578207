"""Second phase of a build: rows of the same hashes meet in a bucket, where the options apply."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from protclip_td.data.entry import Entry
from protclip_td.data.pairs import SCHEMA, hash_limit, sequence_digest
from protclip_td.data.tally import Tally
from protclip_td.data.writing import REJECTED, rejected_line, to_table
from protclip_td.protanno.accessions import RANGE_BITS, find_repeated
from protclip_td.protanno.exclusion import Excluded
from protclip_td.protanno.frames import write_atomically, write_frames, write_json
from protclip_td.protanno.options import BuildOptions
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.reading import summaries
from protclip_td.protanno.rows import decode, frames_by_bucket, read_lines
from protclip_td.protanno.selecting import by_group, select
from protclip_td.protanno.staging import Staging, load
from protclip_td.protanno.summary import SPLITS, Summary
from protclip_td.protanno.workers import Workers


def sort_buckets(
    staging: Staging, coarse: int, options: BuildOptions, pool: Workers, progress: Progress
) -> None:
    """Make the buckets, and a summary of them; what was staged before is removed then."""
    folder, bits = staging.root.parent, load(staging.read)["bits"]
    if bits > coarse:
        missing = [n for n in range(1 << coarse) if not _coarse(staging, n).exists()]
        splits = [(folder, number, bits) for number in missing]
        _run(pool, split_bucket, splits, 1 << coarse, progress, "splitting")
    lists = [staging.accessions / f"{number}.json" for number in range(1 << RANGE_BITS)]
    searches = [(folder, number) for number, path in enumerate(lists) if not path.exists()]
    _run(pool, search_accessions, searches, len(lists), progress, "looking for repeated accessions")
    repeated = _by_bucket((pair for path in lists for pair in load(path)), bits)
    sorts = [
        (folder, bucket, coarse, bits, options, repeated[bucket])
        for bucket in range(1 << bits)
        if not _summary(staging, bucket).exists()
    ]
    _run(pool, sort_bucket, sorts, 1 << bits, progress, "sorting")
    _summarise(staging, bits)
    staging.forget_chunks()


def _run(
    pool: Workers,
    function: Any,
    tasks: Sequence[tuple[Any, ...]],
    total: int,
    progress: Progress,
    name: str,
) -> None:
    for _ in progress.steps(name, pool.run(function, tasks), total, total - len(tasks)):
        pass


def _coarse(staging: Staging, number: int) -> Path:
    return staging.coarse / f"{number}.frames"


def _summary(staging: Staging, bucket: int) -> Path:
    return staging.buckets / f"{bucket}.json"


def split_bucket(folder: Path, number: int, bits: int) -> None:
    """Cut a coarse bucket of all chunks into its fine ones."""
    staging = Staging(folder)
    lines = read_lines(staging.chunk_paths(), number)
    write_frames(_coarse(staging, number), frames_by_bucket(lines, bits))


def search_accessions(folder: Path, number: int) -> None:
    """Look for repeated accessions in a range of them."""
    staging = Staging(folder)
    found = find_repeated(staging.chunk_paths(), number)
    write_json(staging.accessions / f"{number}.json", found)


def _by_bucket(pairs: Iterable[tuple[int, int]], bits: int) -> dict[int, set[tuple[int, int]]]:
    repeated: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for accession, digest in pairs:
        repeated[digest >> (64 - bits)].add((accession, digest))
    return repeated


def sort_bucket(
    folder: Path,
    bucket: int,
    coarse: int,
    bits: int,
    options: BuildOptions,
    repeated: set[tuple[int, int]],
) -> None:
    """Select and sort the rows of a bucket; a task of the second phase.

    Leaves an Arrow file with one batch of rows per confidence and coverage, and then a summary.
    """
    staging = Staging(folder)
    if bits > coarse:
        lines = read_lines([_coarse(staging, bucket >> (bits - coarse))], bucket)
    else:
        lines = read_lines(staging.chunk_paths(), bucket)
    selection = select(
        [decode(line) for line in lines],
        options,
        Excluded(staging.root, options.identity),
        repeated,
    )
    groups = by_group(selection.kept)
    path = staging.buckets / f"{bucket}.arrow"
    write_atomically(path, lambda file: _write_batches(file, [groups[k] for k in sorted(groups)]))
    tally = Tally()
    tally.add(selection.kept)
    summary = {
        "groups": [[*key, len(groups[key])] for key in sorted(groups)],
        "tally": tally.as_dict(),
        "splits": _count_splits(selection.kept, options),
        "dropped": selection.dropped,
        "leaked": [[*key, number] for key, number in sorted(selection.leaked.items())],
        "rejections": selection.rejections,
    }
    write_json(_summary(staging, bucket), summary)


def _write_batches(file: BinaryIO, groups: Sequence[Sequence[Entry]]) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(file, SCHEMA, options=options) as writer:
        for entries in groups:
            (batch,) = to_table(entries).to_batches()
            writer.write_batch(batch)


def _count_splits(entries: Iterable[Entry], options: BuildOptions) -> dict[str, Any]:
    test, held_out = hash_limit(options.test_fraction), hash_limit(options.held_out)
    counts = {name: np.zeros((5, 4), dtype=np.int64) for name in SPLITS}
    for entry in entries:
        digest = sequence_digest(entry.sequence)
        split = "test" if digest < test else "valid" if digest < held_out else "train"
        counts[split][entry.confidence - 1, entry.coverage - 1] += 1
    return {name: table.tolist() for name, table in counts.items()}


def _summarise(staging: Staging, bits: int) -> None:
    """Add up what chunks and buckets noted, and write the table of rejected entries."""
    summary, paths = Summary(), staging.chunk_paths()
    names = [record["name"] for record in load(staging.read)["inputs"]]
    with (staging.result / REJECTED).open("w") as table:
        table.write("where\treason\tdetail\tinput\n")
        for path, chunk in zip(paths, summaries(paths)):
            summary.add_chunk(chunk)
            name = names[int(path.name.partition("-")[0])]
            table.writelines(rejected_line((*record, name)) for record in chunk["rejections"])
        for number in range(1 << bits):
            bucket = load(_summary(staging, number))
            summary.add_bucket(bucket)
            table.writelines(rejected_line((*record, "")) for record in bucket["rejections"])
    write_json(staging.sorted, {**load(staging.read), **summary.as_dict()})
