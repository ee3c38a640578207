"""Adds up what the tasks of a build noted."""

from collections import Counter
from typing import Any

import numpy as np

from protclip_td.data.split_names import SPLITS
from protclip_td.data.store.tally import Tally
from protclip_td.properties import GROUPS_SHAPE


class Summary:
    """Counts over all chunks and buckets of a build.

    Parameters:
        num_bucket (int): number of buckets
    """

    def __init__(self, num_bucket: int) -> None:
        #: Rows of each group by bucket. An array, since lists of this size would take memory.
        self.rows = np.zeros((num_bucket, *GROUPS_SHAPE), dtype=np.int64)
        self._before, self._after = Tally(), Tally()
        self._rejected: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._leaked: Counter[tuple[int, str]] = Counter()
        self._splits = {name: np.zeros(GROUPS_SHAPE, dtype=np.int64) for name in SPLITS}

    def add_chunk(self, chunk: dict[str, Any]) -> None:
        """Add what `reading.stage_chunk` noted."""
        self._before += Tally(chunk["tally"])
        self._dropped.update(chunk["dropped"])
        self._rejected.update(reason for _, reason, _ in chunk["rejections"])

    def add_bucket(self, number: int, bucket: dict[str, Any]) -> None:
        """Add what `sorting.sort_bucket` noted of the bucket of this number."""
        self._after += Tally(bucket["tally"])
        self._dropped.update(bucket["dropped"])
        self._leaked.update({(source, kind): n for source, kind, n in bucket["leaked"]})
        self._rejected.update(reason for _, reason, _ in bucket["rejections"])
        for confidence, coverage, rows in bucket["groups"]:
            self.rows[number, confidence - 1, coverage - 1] = rows
        for name in SPLITS:
            self._splits[name] += bucket["splits"][name]

    def as_dict(self) -> dict[str, Any]:
        """The sums."""
        return {
            "before": self._before.as_dict(),
            "after": self._after.as_dict(),
            "splits": {name: table.tolist() for name, table in self._splits.items()},
            "dropped": dict(sorted(self._dropped.items())),
            "leaked": [[*key, number] for key, number in sorted(self._leaked.items())],
            "rejected": dict(sorted(self._rejected.items())),
        }
