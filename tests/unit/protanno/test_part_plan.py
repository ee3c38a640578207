"""The plan of a store's parts: small in memory whatever the number of buckets."""

import tracemalloc

import numpy as np

from protclip_td.data.split_names import SPLITS
from protclip_td.data.store.tally import Tally
from protclip_td.protanno.cutting import Part, Span, plan_parts
from protclip_td.protanno.summary import Summary


def test_parts_are_cut_across_buckets(monkeypatch):
    monkeypatch.setattr("protclip_td.protanno.cutting.PART_ROWS", 5)
    rows = np.zeros((3, 5, 4), dtype=np.int64)
    rows[:, 0, 3] = 3, 0, 4
    rows[2, 0, 1] = 1
    assert list(plan_parts(rows)) == [
        Part(1, 2, 0, [Span(2, 0, 0, 1)]),
        Part(1, 4, 0, [Span(0, 0, 0, 3), Span(2, 1, 0, 2)]),
        Part(1, 4, 1, [Span(2, 1, 2, 4)]),
    ]


def test_memory_of_many_buckets():
    """A quarter of what all of UniProt has, all groups in each: below 20 MB."""
    tables = {name: np.ones((5, 4), dtype=int).tolist() for name in SPLITS}
    groups = [[c, r, 200] for c in range(1, 6) for r in range(1, 5)]
    bucket = {"groups": groups, "tally": Tally().as_dict(), "splits": tables}
    bucket |= {"dropped": {}, "leaked": [], "rejections": []}
    tracemalloc.start()
    summary = Summary(1 << 14)
    for number in range(1 << 14):
        summary.add_bucket(number, bucket)
    assert sum(1 for _ in plan_parts(summary.rows)) == 20 * -(-200 * (1 << 14) // 65_536)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert memory < 20_000_000
