"""The sampler for plain PyTorch: ranks, workers, and going on in the middle of an epoch."""

import json
import tracemalloc
from itertools import chain, islice

import numpy as np
import pytest
import torch
from stores import write_store

from protclip_td.data.pairs import Group
from protclip_td.datasets import PropertyDrivenSampler
from protclip_td.errors import InputError

GROUPS = [Group(1, 4, 0, 30), Group(2, 4, 30, 700), Group(3, 3, 730, 50_000)]


def make_sampler(rank=0, num_ranks=1, num_draws=1000, **options):
    return PropertyDrivenSampler(GROUPS, num_draws, rank=rank, num_ranks=num_ranks, **options)


@pytest.mark.parametrize("num_ranks", [2, 3, 7])
def test_ranks_are_disjoint_and_together_one_process(num_ranks):
    alone = list(make_sampler())
    parts = [list(make_sampler(rank, num_ranks)) for rank in range(num_ranks)]
    assert {len(part) for part in parts} == {1000 // num_ranks} == {len(make_sampler(0, num_ranks))}
    assert list(chain(*zip(*parts))) == alone[: 1000 // num_ranks * num_ranks]


def test_large_epochs_are_worked_out_piece_by_piece():
    parts = [list(make_sampler(rank, 3, num_draws=200_000)) for rank in range(3)]
    whole = list(make_sampler(num_draws=200_000))
    assert list(chain(*zip(*parts))) == whole[:199_998]


def test_no_row_twice_unless_a_group_is_small():
    rows, counts = np.unique(list(make_sampler()), return_counts=True)
    drawn = [counts[(rows >= g.begin) & (rows < g.begin + g.size)] for g in GROUPS]
    assert all(set(c) <= {c.sum() // g.size, -(-c.sum() // g.size)} for c, g in zip(drawn, GROUPS))
    assert drawn[2].max() == 1


def test_epochs_and_seeds_differ_and_repeat():
    sampler = make_sampler()
    first = list(sampler)
    assert list(sampler) == first  # the epoch did not change
    sampler.set_epoch(1)
    second = list(sampler)
    assert second != first
    assert list(make_sampler(seed=1)) not in (first, second)
    sampler.set_epoch(0)
    assert list(sampler) == first


@pytest.mark.parametrize("num_used", [0, 1, 333, 499, 500])
def test_going_on_in_the_middle_of_an_epoch(num_used):
    whole, stopped, resumed = (make_sampler(1, 2) for _ in range(3))
    for sampler in (whole, stopped):
        sampler.set_epoch(4)
    expected = list(whole)
    draws = iter(stopped)
    begun = [next(draws) for _ in range(num_used)]
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    resumed.set_epoch(4)  # as in a loop over epochs
    assert begun + list(resumed) == expected
    assert resumed.position == 0


def test_going_on_with_another_number_of_ranks():
    stopped = make_sampler(0, 2)
    draws = iter(stopped)
    begun = [next(draws) for _ in range(50)]
    parts = [make_sampler(rank, 3) for rank in range(3)]
    for part in parts:
        part.load_state_dict(stopped.state_dict())
    alone = list(make_sampler())
    assert begun == alone[:100:2]
    assert list(chain(*zip(*parts))) == alone[100:1000]


def test_draws_that_a_loader_holds_back_can_be_counted_out():
    sampler = make_sampler(1, 2)
    draws = iter(sampler)
    handed_out = [next(draws) for _ in range(64)]
    resumed = make_sampler(1, 2)
    resumed.load_state_dict(sampler.state_dict(num_used=40))
    assert list(resumed)[:24] == handed_out[40:]


def test_a_state_of_another_seed_is_refused():
    with pytest.raises(InputError, match=r"draw with seed 1, this one has seed 0"):
        make_sampler().load_state_dict(make_sampler(seed=1).state_dict())


def test_memory_at_the_size_of_uniprot():
    """251.5 M rows in 20 groups, an epoch as long: under 10 MB, drawing included."""
    sizes = np.random.default_rng(0).dirichlet(np.ones(20)) * 251_500_000
    groups = [Group(1 + i // 4, 1 + i % 4, i << 40, int(size)) for i, size in enumerate(sizes)]
    tracemalloc.start()
    sampler = PropertyDrivenSampler(groups, 251_500_000)
    rows = list(islice(sampler, 1000))
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(rows)) == 1000
    assert memory < 10_000_000


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_any_number_of_workers_gives_the_same_sequence(tmp_path, sample_entries, num_workers):
    store = write_store(sample_entries, tmp_path / "store")
    sampler = PropertyDrivenSampler(store.groups, 100)
    loader = torch.utils.data.DataLoader(
        store, 8, sampler=sampler, num_workers=num_workers, collate_fn=list
    )
    assert list(chain(*loader)) == store.read(list(sampler))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": []}, "no entry in the groups"),
        ({"groups": [Group(1, 4, 0, 0)]}, "no entry in the groups"),
        ({"num_draws": 0}, "num_draws is 0; expected at least one per rank, that is 1"),
        ({"num_draws": 3, "num_ranks": 4}, "num_draws is 3; expected at least one per rank"),
        ({"rank": 2, "num_ranks": 2}, "rank 2 of 2 given; expected a rank from 0"),
        ({"rank": -1}, "rank -1 of 1 given"),
        ({"seed": -1}, "seed is -1; expected at least 0"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        PropertyDrivenSampler(**{"groups": GROUPS, "num_draws": 10, **options})
