"""Third phase of a build: sorted buckets become the Parquet parts of the store."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from protclip_td.data.store.layout import PART_ROWS, part_name
from protclip_td.data.store.writing import write_part
from protclip_td.protanno.progress import Progress
from protclip_td.protanno.staging import Staging, read_record, write_record
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


def plan_parts(rows: np.ndarray) -> Iterator[Part]:
    """Cut each group into parts of `PART_ROWS` rows.

    How rows are spread over buckets has no effect on what is in a part.

    Parameters:
        rows (array): rows of each group by bucket, shape :math:`(b, 5, 4)`; a bucket has a batch
            for each group that it has rows of, in the order of confidence and coverage

    Returns:
        iterator of Part: sorted by confidence, coverage, number

    Example::

        >>> rows = np.zeros((2, 5, 4), dtype=int)
        >>> rows[:, 0, 3] = 3, 2
        >>> next(plan_parts(rows)).spans
        [Span(bucket=0, batch=0, begin=0, end=3), Span(bucket=1, batch=0, begin=0, end=2)]
    """
    batches = (rows > 0).reshape(len(rows), -1).cumsum(axis=1).reshape(rows.shape) - 1
    for confidence, coverage in np.argwhere(rows.any(axis=0)).tolist():
        place = (slice(None), confidence, coverage)
        spans = (
            Span(bucket, batch, 0, number)
            for bucket, (batch, number) in enumerate(
                zip(batches[place].tolist(), rows[place].tolist())
            )
            if number
        )
        for number, part in enumerate(_cut(spans, PART_ROWS)):
            yield Part(confidence + 1, coverage + 1, number, part)


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
    rows = np.load(staging.rows)
    names = [part[:3] for part in plan_parts(rows)]
    missing = (part for part in plan_parts(rows) if not _record(staging, *part[:3]).exists())
    tasks = ((staging.folder, part) for part in missing)
    done = sum(_record(staging, *name).exists() for name in names)
    for _ in progress.steps("writing", pool.run(cut_part, tasks), len(names), done):
        pass
    records: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for name in names:
        records[name[:2]].append(read_record(_record(staging, *name)))
    return records


def _record(staging: Staging, confidence: int, coverage: int, number: int) -> Path:
    return staging.written / f"{confidence}-{coverage}-{number}.json"


def cut_part(folder: Path, part: Part) -> None:
    """Write one part, and then a record of it; a task of the third phase."""
    staging = Staging(folder)
    path = staging.parts / part_name(part.confidence, part.coverage, part.number)
    write_record(_record(staging, *part[:3]), write_part(path, _tables(staging, part.spans)))


def _tables(staging: Staging, spans: Iterable[Span]) -> Iterator[pa.Table]:
    for bucket, batch, begin, end in spans:
        with pa.memory_map(str(staging.buckets / f"{bucket}.arrow")) as file:
            rows = pa.ipc.open_file(file).get_batch(batch).slice(begin, end - begin)
            yield pa.Table.from_batches([rows])
