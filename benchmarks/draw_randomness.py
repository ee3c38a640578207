"""What the draw does at the size of UniProt, and what its shuffled blocks cost in randomness.

    python benchmarks/draw_randomness.py

An index of as many rows as ProtAnno-D, with the paper's shares; no sequences. Prints

- the composition that the formula P ∝ C⁻³ · √R · N predicts, and what is drawn;
- draws per second, and memory of the index;
- how the draw differs from rows drawn from anywhere in their group;
- what each process has to decode where there are several ranks and data-loader workers.
"""

import argparse
import pickle
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from synthetic_entries import paper_shares
from tables import aligned, markdown

from protclip_td.data.sampling.property_driven import PropertyDrivenDraw, ShuffledGroups
from protclip_td.data.sampling.rows import draw_rows
from protclip_td.data.sampling.rule import Rule
from protclip_td.data.store.layout import BLOCK_ROWS
from protclip_td.data.store.manifest import Group
from protclip_td.data.store.reading import _BLOCKS_KEPT as BLOCKS_KEPT
from protclip_td.datasets import PropertyDrivenSampler
from protclip_td.properties import COVERAGES, PROTEIN_EXISTENCE
from protclip_td.protanno.paper import PAIRS

BATCH = 64
PAPER_ENTRIES = PAIRS["ProtAnno-D"]
_PAIRS_FOR_MEETING = 1_000_000
_RANKS, _WORKERS = (1, 8, 64), (1, 4)
_GLOBAL_BATCH = 2048
Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def paper_groups() -> list[Group]:
    """The 20 groups of ProtAnno-D before the rule, their shares taken as independent."""
    sizes = np.rint(paper_shares() * PAPER_ENTRIES).astype(np.int64).ravel().tolist()
    begins = np.concatenate(([0], np.cumsum(sizes)[:-1])).tolist()
    levels = [(level, coverage) for level in PROTEIN_EXISTENCE for coverage in COVERAGES]
    return [Group(*level, begin, size) for level, begin, size in zip(levels, begins, sizes)]


def kept(groups: Sequence[Group]) -> list[Group]:
    """Those that the paper's rule keeps."""
    rule = Rule()
    groups = [group for group in groups if group.confidence in rule.confidences]
    return [group for group in groups if group.coverage in rule.coverages]


def composition(groups: Sequence[Group], num_draws: int, table: Table) -> str:
    """Share of the draws by group: by the formula, and drawn."""
    draw = draw_rows(groups, num_draws)
    drawn = np.bincount(group_of(draw, num_draws), minlength=len(groups)) / num_draws
    total = sum(group.size for group in groups)
    rows = [
        [
            f"C = {group.confidence}, R = {group.coverage}/4",
            f"{group.size:,}",
            f"{group.size / total:.2%}",
            f"{share:.2%}",
            f"{found:.2%}",
            f"{share / (group.size / total):.2f}" if group.size else "",
        ]
        for group, share, found in zip(groups, draw.probabilities, drawn)
    ]
    header = ["group", "entries", "share", "P", f"of {num_draws:,} draws", "P / share"]
    return table(header, rows)


def group_of(draw: PropertyDrivenDraw, num_draws: int) -> np.ndarray:
    """Groups of the first draws of epoch 0."""
    return draw.order(0)(np.arange(num_draws))[0]


def speed(groups: Sequence[Group], num_draws: int, table: Table) -> str:
    """Processor time of so many draws of a large epoch, and memory."""
    tracemalloc.start()
    sampler = PropertyDrivenSampler(groups, num_draws=PAPER_ENTRIES)
    list(islice(sampler, BATCH))
    used, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sampler = PropertyDrivenSampler(groups, num_draws=PAPER_ENTRIES)
    begin = time.process_time()
    for _ in islice(sampler, num_draws):
        pass
    seconds = time.process_time() - begin
    rows = [
        [f"processor seconds for {num_draws:,} draws", f"{seconds:.2f}"],
        ["draws per processor second", f"{num_draws / seconds:,.0f}"],
        ["memory of the sampler in use (MB)", f"{used / 1e6:.2f}"],
        ["most memory while it draws (MB)", f"{most / 1e6:.2f}"],
        ["what is sent to a worker (kB)", f"{len(pickle.dumps(sampler.draw)) / 1e3:.2f}"],
        ["state in the middle of an epoch", str(sampler.state_dict())],
    ]
    return table([f"{sum(g.size for g in groups):,} rows in {len(groups)} groups", ""], rows)


def randomness(groups: Sequence[Group], num_draws: int, table: Table) -> str:
    """Blocks and neighbours of the draw, beside those of rows drawn from anywhere."""
    draw = draw_rows(groups, num_draws=PAPER_ENTRIES // 10)
    group, row = draw.order(0)(np.arange(num_draws))
    anywhere = np.random.default_rng(0).integers(draw.group_sizes[group])
    columns = [_measures(group, rows) for rows in (row, anywhere)]
    again = [_meet_again(order) for order in (_block_orders(), _free_orders())]
    names = [
        f"blocks decoded per 1,000 draws, {BLOCKS_KEPT} kept",
        f"blocks that a batch of {BATCH} is from",
        "pairs in a batch that are from one block",
        "correlation of a group's rows, one draw and the next",
        f"pairs in a batch that meet again in the next epoch, {_PAIRS_FOR_MEETING:,} rows",
    ]
    values = zip(*([*column, f"{share:.4%}"] for column, share in zip(columns, again)))
    header = [f"{num_draws:,} draws", "shuffled blocks", "anywhere"]
    return table(header, [[name, *pair] for name, pair in zip(names, values)])


def processes(groups: Sequence[Group], num_rows: int, table: Table) -> str:
    """What one process decodes for so many rows, and how mixed batches are, by number of ranks."""
    draw = draw_rows(groups, num_draws=PAPER_ENTRIES)
    orders = [draw.order(0, num_ranks) for num_ranks in _RANKS]
    rows = [
        [
            f"blocks that a process decodes for 1,000 of its rows, {workers} worker"
            + "s" * (workers > 1),
            *(
                f"{1000 * _misses(_blocks_of_one(order, workers, num_rows)) / num_rows:.1f}"
                for order in orders
            ),
        ]
        for workers in _WORKERS
    ]
    own = [_batches(np.array(_blocks_of_one(order, 1, num_rows)), BATCH) for order in orders]
    together = [_batches(_blocks_at(order, np.arange(num_rows)), _GLOBAL_BATCH) for order in orders]
    rows += [
        [f"blocks that a rank's batch of {BATCH} is from", *(f"{n:.1f}" for n, _ in own)],
        ["pairs in it that are from one block", *(f"{share:.1%}" for _, share in own)],
        [
            f"pairs from one block in a batch of {_GLOBAL_BATCH:,} over all ranks",
            *(f"{share:.2%}" for _, share in together),
        ],
    ]
    return table(["", *(f"{n} rank{'s' * (n > 1)}" for n in _RANKS)], rows)


def _blocks_at(order: ShuffledGroups, positions: np.ndarray) -> np.ndarray:
    group, row = order(positions)
    return group << 32 | row // BLOCK_ROWS


def _blocks_of_one(order: ShuffledGroups, num_workers: int, num_rows: int) -> list[int]:
    """Blocks of the rows of the first rank's first worker, who gets every so many-th batch."""
    batches = np.arange(0, num_rows * num_workers, BATCH * num_workers)
    places = (batches[:, None] + np.arange(BATCH)).ravel()
    return _blocks_at(order, places * order.num_ranks).tolist()


def _batches(block: np.ndarray, size: int) -> tuple[float, float]:
    """How many blocks a batch is from, and the share of its pairs that are from one block."""
    batches = np.sort(block[: len(block) // size * size].reshape(-1, size), axis=1)
    distinct = 1 + (np.diff(batches, axis=1) != 0).sum(1)
    pairs = _pairs_within(batches + (np.arange(len(batches))[:, None] << 40))
    return float(distinct.mean()), pairs / (len(batches) * size * (size - 1) / 2)


def _measures(group: np.ndarray, row: np.ndarray) -> list[str]:
    block = group << 32 | row // BLOCK_ROWS
    distinct, share = _batches(block, BATCH)
    largest = row[group == np.bincount(group).argmax()]
    return [
        f"{1000 * _misses(block.tolist()) / len(block):.1f}",
        f"{distinct:.1f}",
        f"{share:.4%}",
        f"{np.corrcoef(largest[:-1], largest[1:])[0, 1]:.3f}",
    ]


def _pairs_within(labels: np.ndarray) -> int:
    """How many pairs have the same label."""
    counts = np.unique(labels, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _misses(blocks: Iterable[int]) -> int:
    """How many blocks are decoded if the last ones used are kept, as a store does."""
    cache: OrderedDict[int, None] = OrderedDict()
    misses = 0
    for block in blocks:
        if block in cache:
            cache.move_to_end(block)
            continue
        misses += 1
        cache[block] = None
        if len(cache) > BLOCKS_KEPT:
            cache.popitem(last=False)
    return misses


def _block_orders() -> list[np.ndarray]:
    """All rows of one group, each once, in two epochs."""
    draw = PropertyDrivenDraw([_PAIRS_FOR_MEETING], [1.0], _PAIRS_FOR_MEETING)
    return [draw.order(epoch)(np.arange(_PAIRS_FOR_MEETING))[1] for epoch in (0, 1)]


def _free_orders() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.permutation(_PAIRS_FOR_MEETING) for _ in (0, 1)]


def _meet_again(orders: Sequence[np.ndarray]) -> float:
    """Share of the pairs in a batch of the first epoch that share one in the second."""
    batches = [np.argsort(order) // BATCH for order in orders]
    num_batch = -(-_PAIRS_FOR_MEETING // BATCH)
    return _pairs_within(batches[0] * num_batch + batches[1]) / _pairs_within(batches[0])


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1_000_000, help="default: 1,000,000")
    parser.add_argument("--markdown", action="store_true", help="tables for the documentation")
    args = parser.parse_args()
    table: Table = markdown if args.markdown else aligned
    groups = paper_groups()
    parts = [
        composition(kept(groups), args.draws, table),
        composition(groups, args.draws, table),
        speed(groups, args.draws, table),
        randomness(kept(groups), args.draws, table),
        processes(kept(groups), max(args.draws // 20, _GLOBAL_BATCH), table),
    ]
    print("\n\n".join(parts))


if __name__ == "__main__":
    main()
