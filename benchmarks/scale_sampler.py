"""The sampler at the paper's full size: what it draws, how fast, and what memory it takes.

    python benchmarks/scale_sampler.py

The index of a store holds no sequences, so it can be had without the data: 251.5 million rows by
the shares of the paper's Table 1 and Figure 1, confidence and coverage taken as independent, in 20
groups. Draws a million rows of the groups of the default rule (`--all`: of all 20 groups) and
prints what the rule P ∝ C⁻³ · √R · N predicts beside what was drawn.
"""

import argparse
import time
import tracemalloc
from collections.abc import Sequence
from itertools import islice

import numpy as np
from synthetic_entries import paper_shares
from tables import aligned, markdown

from protclip_td.data.pairs import Group
from protclip_td.datasets.sampler import PropertyDrivenSampler
from protclip_td.protanno.paper import PAIRS

_HEADER = ("group", "rows", "share of the rows", "predicted", "drawn", "times per row")


def main(argv: Sequence[str] | None = None) -> None:
    """Draw and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument("--all", action="store_true", help="levels that the rule drops as well")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    args = parser.parse_args(argv)
    groups = [group for group in paper_groups() if args.all or keeps(group)]
    seconds, memory, counts = draw(groups, args.draws)
    print((markdown if args.markdown else aligned)(_HEADER, rows_of(groups, counts)))
    print(f"\n{args.draws:,} draws from {sum(group.size for group in groups):,} rows in "
          f"{len(groups)} groups: {seconds:.2f} s, {memory / 1e6:.1f} MB")  # fmt: skip


def paper_groups() -> list[Group]:
    """Groups of the paper's data by its shares; one that has none of 251.5 million has one row."""
    sizes = np.maximum(1, np.round(paper_shares() * PAIRS["ProtAnno-D"])).astype(int)
    begins = np.cumsum(sizes).reshape(sizes.shape) - sizes
    return [
        Group(row + 1, column + 1, int(begins[row, column]), int(size))
        for (row, column), size in np.ndenumerate(sizes)
    ]


def keeps(group: Group) -> bool:
    """Whether the default rule keeps a group."""
    return group.confidence <= 3 and group.coverage >= 3


def draw(groups: Sequence[Group], draws: int) -> tuple[float, int, np.ndarray]:
    """Seconds, peak memory, and how often each group was drawn."""
    # An epoch of as many draws as there are rows; these are the first of it.
    epoch = max(draws, sum(group.size for group in groups))
    start = time.perf_counter()
    for _ in islice(PropertyDrivenSampler(groups, epoch), draws):
        pass
    seconds = time.perf_counter() - start
    counts = np.zeros(len(groups), dtype=int)
    begins = [group.begin for group in groups]
    tracemalloc.start()
    rows = iter(PropertyDrivenSampler(groups, epoch))
    for _ in range(0, draws, 10_000):  # in pieces, so that they count for nothing
        piece = np.fromiter(islice(rows, 10_000), dtype=np.int64)
        counts += np.bincount(np.searchsorted(begins, piece, side="right") - 1,
                              minlength=len(groups))  # fmt: skip
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, memory, counts


def rows_of(groups: Sequence[Group], counts: np.ndarray) -> list[list[str]]:
    """One row for each group."""
    confidence, coverage, _, size = np.array(groups).T
    # Written out once more rather than taken from the sampler.
    predicted = size * confidence**-3.0 * np.sqrt(coverage / 4)
    predicted /= predicted.sum()
    return [
        [f"C = {c}, R = {r}/4", f"{n:,}", f"{n / size.sum():.2%}", f"{p:.2%}", f"{k:.2%}",
         f"{p * size.sum() / n:.3g}"]
        for c, r, n, p, k in zip(confidence, coverage, size, predicted, counts / counts.sum())
    ]  # fmt: skip


if __name__ == "__main__":
    main()
