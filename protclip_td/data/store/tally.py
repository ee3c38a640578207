"""Counts entries: by confidence and coverage, by length, by length of text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from protclip_td.data.entry import Entry
from protclip_td.properties import GROUPS_SHAPE

#: Lower edges of the bins. 1,023 is there because ESM-2 takes 1,022 residues.
RESIDUE_EDGES = (0, *range(50, 1001, 50), 1023, *range(1100, 2001, 100), 3000, 5000, 10_000, 50_000)
TEXT_EDGES = (0, *range(50, 1001, 50), *range(1250, 3001, 250), 5000, 10_000, 50_000, 1_000_000)


class Tally:
    """What is counted of entries while they pass, and added up over workers.

    Parameters:
        record (dict, optional): what `as_dict` of another one gave

    Attributes:
        counts (array): entries by confidence and coverage, each from 1
        assumed (int): how many of them have a confidence that their file does not state

    Example::

        >>> tally = Tally()
        >>> tally.add([Entry("P1", "MK", ("Insulin", "", "", ""), 1)])
        >>> tally.counts[0].tolist()
        [1, 0, 0, 0]
    """

    def __init__(self, record: dict[str, Any] | None = None) -> None:
        record = record or {}
        self.counts = np.zeros(GROUPS_SHAPE, dtype=np.int64)
        self.assumed = 0
        self._residues = np.zeros(len(RESIDUE_EDGES) - 1, dtype=np.int64)
        self._text = np.zeros(len(TEXT_EDGES) - 1, dtype=np.int64)
        if record:
            self.counts += record["counts"]
            self.assumed += record["assumed"]
            self._residues += record["residues"]
            self._text += record["text"]

    def add(self, entries: Sequence[Entry]) -> None:
        """Count entries."""
        if entries:
            groups = [(entry.confidence - 1, entry.coverage - 1) for entry in entries]
            np.add.at(self.counts, tuple(np.array(groups).T), 1)
            self.assumed += sum(not entry.stated for entry in entries)
            self._residues += _bins([len(entry.sequence) for entry in entries], RESIDUE_EDGES)
            self._text += _bins([len(entry.biotext) for entry in entries], TEXT_EDGES)

    def __iadd__(self, other: "Tally") -> "Tally":
        self.counts += other.counts
        self.assumed += other.assumed
        self._residues += other._residues
        self._text += other._text
        return self

    def as_dict(self) -> dict[str, Any]:
        """The same as lists."""
        return {
            "counts": self.counts.tolist(),
            "assumed": self.assumed,
            "residues": self._residues.tolist(),
            "text": self._text.tolist(),
        }

    def histograms(self) -> dict[str, dict[str, list[int]]]:
        """Entries by residues, and by characters of biotext, for a manifest.

        Bin i holds what is at least `edges[i]` and less than `edges[i + 1]`; the last bin also
        holds what is larger.
        """
        return {
            "residues": {"edges": list(RESIDUE_EDGES), "counts": self._residues.tolist()},
            "text": {"edges": list(TEXT_EDGES), "counts": self._text.tolist()},
        }


def _bins(values: list[int], edges: tuple[int, ...]) -> np.ndarray:
    """How many values are in each bin."""
    return np.histogram(np.minimum(values, edges[-1]), edges)[0]
