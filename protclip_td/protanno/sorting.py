"""Second phase of a build: rows of the same hashes meet in a bucket, where the options apply."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from protclip_td.data.split_names import SPLITS
from protclip_td.data.store.layout import SCHEMA, hash_limit
from protclip_td.data.store.tally import Tally
from protclip_td.data.store.writing import REJECTED, rejected_line, to_table
from protclip_td.properties import GROUPS_SHAPE
from protclip_td.protanno.accessions import find_repeated, range_bits
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.exclusion import Excluded
from protclip_td.protanno.frames import write_frames
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.selecting import by_group, select
from protclip_td.protanno.staged_lines import decode, frames_by_bucket, read_lines
from protclip_td.protanno.staging import Staging, read_record, write_record
from protclip_td.protanno.staging_inputs import input_of, summaries
from protclip_td.protanno.summary import Summary
from protclip_td.protanno.workers import Workers
from protclip_td.whole_files import replace_file


def sort_buckets(
    staging: Staging, coarse: int, options: BuildOptions, pool: Workers, progress: Progress
) -> None:
    """Make the buckets, and a summary of them; what was staged before is removed then."""
    folder, bits = staging.root.parent, read_record(staging.read)["bits"]
    if bits > coarse:
        missing = [n for n in range(1 << coarse) if not _coarse(staging, n).exists()]
        splits = [(folder, number, bits) for number in missing]
        _run(pool, split_bucket, splits, 1 << coarse, progress, "splitting")
    lists = [staging.accessions / f"{number}.json" for number in range(1 << range_bits(coarse))]
    searches = [(folder, number) for number, path in enumerate(lists) if not path.exists()]
    _run(pool, search_accessions, searches, len(lists), progress, "looking for repeated accessions")
    repeated = _by_bucket((found for path in lists for found in read_record(path)), bits)
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
    paths = staging.chunk_paths()
    found = [(*pair, input_of(paths[place])) for *pair, place in find_repeated(paths, number)]
    write_record(staging.accessions / f"{number}.json", found)


def _by_bucket(
    found: Iterable[tuple[int, int, int]], bits: int
) -> dict[int, dict[tuple[int, int], list[int]]]:
    repeated: dict[int, dict[tuple[int, int], list[int]]] = defaultdict(dict)
    for accession, digest, source in found:
        repeated[digest >> (64 - bits)].setdefault((accession, digest), []).append(source)
    return repeated


def sort_bucket(
    folder: Path,
    bucket: int,
    coarse: int,
    bits: int,
    options: BuildOptions,
    repeated: dict[tuple[int, int], list[int]],
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
    tables = {key: to_table(groups[key]) for key in sorted(groups)}
    path = staging.buckets / f"{bucket}.arrow"
    replace_file(path, lambda file: _write_batches(file, tables.values()), sync=False)
    tally = Tally()
    tally.add(selection.kept)
    summary = {
        "groups": [[*key, len(table)] for key, table in tables.items()],
        "tally": tally.as_dict(),
        "splits": _count_splits(tables, options),
        "dropped": selection.dropped,
        "leaked": [[*key, number] for key, number in sorted(selection.leaked.items())],
        "rejections": selection.rejections,
        "sources": selection.sources,
    }
    write_record(_summary(staging, bucket), summary)


def _write_batches(file: BinaryIO, tables: Iterable[pa.Table]) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(file, SCHEMA, options=options) as writer:
        for table in tables:
            (batch,) = table.to_batches()
            writer.write_batch(batch)


def _count_splits(
    tables: Mapping[tuple[int, int], pa.Table], options: BuildOptions
) -> dict[str, Any]:
    limits = [hash_limit(options.test_fraction), hash_limit(options.held_out)]
    counts = {name: np.zeros(GROUPS_SHAPE, dtype=np.int64) for name in SPLITS}
    for (confidence, coverage), table in tables.items():
        digests = table["digest"].to_numpy()
        test, held_out = (int(np.count_nonzero(digests < np.uint64(limit))) for limit in limits)
        sizes = {"train": len(table) - held_out, "valid": held_out - test, "test": test}
        for name in SPLITS:
            counts[name][confidence - 1, coverage - 1] = sizes[name]
    return {name: table.tolist() for name, table in counts.items()}


def _summarise(staging: Staging, bits: int) -> None:
    """Add up what chunks and buckets noted, and write the table of rejected entries."""
    summary, paths = Summary(1 << bits), staging.chunk_paths()
    names = [described["name"] for described in read_record(staging.plan)["inputs"]]
    with (staging.result / REJECTED).open("w") as table:
        table.write("where\treason\tdetail\tinput\n")
        for path, chunk in zip(paths, summaries(paths)):
            summary.add_chunk(chunk)
            name = names[input_of(path)]
            table.writelines(rejected_line((*record, name)) for record in chunk["rejections"])
        for number in range(1 << bits):
            bucket = read_record(_summary(staging, number))
            summary.add_bucket(number, bucket)
            for record, source in zip(bucket["rejections"], bucket["sources"]):
                table.write(rejected_line((*record, names[source])))
    replace_file(staging.rows, lambda file: np.save(file, summary.rows), sync=False)
    write_record(staging.sorted, {**read_record(staging.read), **summary.as_dict()})
