"""Third phase of a build: sorted buckets become the Parquet parts of the store."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from protclip_td.data.layout import PART_ROWS, part_name
from protclip_td.data.writing import write_part
from protclip_td.protanno.frames import write_json
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.staging import Staging, load
from protclip_td.protanno.workers import Workers


class Span(NamedTuple):
    """Rows `begin` to `end` of a batch of a bucket."""

    bucket: int
    batch: int
    begin: int
    end: int


class Part(NamedTuple):
    """A part that is to be written: where it belongs, and the spans that make it up."""

    confidence: int
    coverage: int
    number: int
    spans: list[Span]


def plan_parts(buckets: list[list[list[int]]], rows: int | None = None) -> list[Part]:
    """Cut each group into parts.

    How rows are spread over buckets has no effect on what is in a part.

    Parameters:
        buckets (list): for each bucket, (confidence, coverage, rows) of its batches
        rows (int, optional): rows of a part, `PART_ROWS` by default

    Returns:
        list of Part: sorted by confidence, coverage, number

    Example::

        >>> plan_parts([[[1, 4, 3]], [[1, 4, 2]]], rows=4)[0].spans
        [Span(bucket=0, batch=0, begin=0, end=3), Span(bucket=1, batch=0, begin=0, end=1)]
    """
    whole: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for bucket, batches in enumerate(buckets):
        for batch, (confidence, coverage, size) in enumerate(batches):
            whole[confidence, coverage].append(Span(bucket, batch, 0, size))
    return [
        Part(*group, number, spans)
        for group in sorted(whole)
        for number, spans in enumerate(_cut(whole[group], rows or PART_ROWS))
    ]


def _cut(spans: Iterable[Span], rows: int) -> Iterator[list[Span]]:
    part: list[Span] = []
    room = rows
    for bucket, batch, begin, end in spans:
        while end - begin >= room:
            yield [*part, Span(bucket, batch, begin, begin + room)]
            begin += room
            part, room = [], rows
        if begin < end:
            part.append(Span(bucket, batch, begin, end))
            room -= end - begin
    if part:
        yield part


def cut_parts(
    staging: Staging, pool: Workers, progress: Progress
) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Write all parts that are not there yet.

    Returns:
        dict: what `write_part` said of each, by confidence and coverage
    """
    parts = plan_parts(load(staging.sorted)["buckets"])
    tasks = [(staging.root.parent, part) for part in parts if not _record(staging, part).exists()]
    done = len(parts) - len(tasks)
    for _ in progress.steps("writing", pool.run(cut_part, tasks), len(parts), done):
        pass
    records: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        records[part.confidence, part.coverage].append(load(_record(staging, part)))
    return records


def _record(staging: Staging, part: Part) -> Path:
    return staging.written / f"{part.confidence}-{part.coverage}-{part.number}.json"


def cut_part(folder: Path, part: Part) -> None:
    """Write one part, and then a record of it; a task of the third phase."""
    staging = Staging(folder)
    path = staging.parts / part_name(part.confidence, part.coverage, part.number)
    write_json(_record(staging, part), write_part(path, _tables(staging, part.spans)))


def _tables(staging: Staging, spans: Iterable[Span]) -> Iterator[pa.Table]:
    for bucket, batch, begin, end in spans:
        with pa.memory_map(str(staging.buckets / f"{bucket}.arrow")) as file:
            rows = pa.ipc.open_file(file).get_batch(batch).slice(begin, end - begin)
            yield pa.Table.from_batches([rows])
