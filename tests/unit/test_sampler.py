"""The sampler for plain PyTorch: ranks, workers, and going on in the middle of an epoch."""

import json
import tracemalloc
from collections import Counter
from itertools import chain, islice

import numpy as np
import pytest
import torch
from stores import write_store

from protclip_td.data.store.manifest import Group
from protclip_td.datasets import PropertyDrivenSampler, ProtAnno
from protclip_td.errors import InputError
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.phases import build

GROUPS = [Group(1, 4, 0, 30), Group(2, 4, 30, 700), Group(3, 3, 730, 50_000)]


def make_sampler(rank=0, num_ranks=1, num_draws=1000, **options):
    return PropertyDrivenSampler(GROUPS, num_draws, rank=rank, num_ranks=num_ranks, **options)


@pytest.mark.parametrize("num_ranks", [2, 5, 8])
def test_ranks_are_disjoint_and_together_one_process(num_ranks):
    alone = list(make_sampler())
    parts = [list(make_sampler(rank, num_ranks)) for rank in range(num_ranks)]
    assert {len(part) for part in parts} == {1000 // num_ranks} == {len(make_sampler(0, num_ranks))}
    assert sorted(chain(*parts)) == sorted(alone)


def test_what_does_not_divide_by_the_ranks_is_left_out_at_the_end():
    parts = [list(make_sampler(rank, 3, num_draws=200_000)) for rank in range(3)]
    left = Counter(make_sampler(num_draws=200_000))
    left.subtract(chain(*parts))
    assert [len(part) for part in parts] == [66_666] * 3
    assert min(left.values()) == 0
    assert left.total() == 2


def test_a_rank_reads_few_blocks_and_has_its_share_of_every_group():
    """One block holds many of a rank's rows, not some rows of every rank."""
    groups = [Group(3, 3, 0, 1_024_000), Group(1, 4, 1_024_000, 10**6)]  # in whole blocks
    samplers = [PropertyDrivenSampler(groups, 65_536, rank=rank, num_ranks=16) for rank in (0, 9)]
    rows = np.array([list(sampler) for sampler in samplers])
    assert abs(np.diff((rows < 1_024_000).sum(axis=1))) <= 1
    blocks = [len(np.unique(part // 512)) for part in rows]  # 4,096 rows fill 8 blocks
    assert max(blocks) <= 12
    assert not set(rows[0]) & set(rows[1])


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
    assert list(resumed) == expected  # what comes after is a whole epoch


def test_every_iteration_is_a_whole_epoch():
    """As with PyTorch's samplers, and whatever an earlier one was broken off for."""
    sampler = make_sampler()
    next(iter(sampler))
    assert len(list(sampler)) == 1000


def test_going_on_with_another_number_of_ranks():
    stopped = [make_sampler(rank, 2) for rank in range(2)]
    begun = [list(islice(sampler, 50)) for sampler in stopped]
    parts = [make_sampler(rank, 3) for rank in range(3)]
    for part in parts:
        part.load_state_dict(stopped[0].state_dict())
    assert sorted(chain(*begun, *parts)) == sorted(make_sampler())
    for part in parts:
        part.set_epoch(1)
    assert list(parts[0]) == epoch_of(make_sampler(0, 3), 1)


def epoch_of(sampler, epoch):
    sampler.set_epoch(epoch)
    return list(sampler)


def test_draws_that_a_loader_holds_back_can_be_counted_out():
    sampler = make_sampler(1, 2)
    draws = iter(sampler)
    handed_out = [next(draws) for _ in range(64)]
    resumed = make_sampler(1, 2)
    resumed.load_state_dict(sampler.state_dict(num_used=40))
    assert list(resumed)[:24] == handed_out[40:]


@pytest.mark.parametrize("num_ranks", [2, 4])
def test_draws_are_counted_from_where_the_iteration_began(num_ranks):
    """After a resume, on as many or on more ranks."""
    stopped = [make_sampler(rank, 2) for rank in range(2)]
    begun = [list(islice(sampler, 40)) for sampler in stopped]
    parts = [make_sampler(rank, num_ranks) for rank in range(num_ranks)]
    for part in parts:
        part.load_state_dict(stopped[0].state_dict())
    more = [list(islice(part, 25))[:10] for part in parts]
    state = parts[0].state_dict(num_used=10)
    assert state["position"] == 80 + 10 * num_ranks
    for part in parts:
        part.load_state_dict(state)
    assert sorted(chain(*begun, *more, *parts)) == sorted(make_sampler())


@pytest.mark.parametrize("num_used", [-1, 6])
def test_more_draws_used_than_handed_out(num_used):
    sampler = make_sampler()
    list(islice(sampler, 5))
    with pytest.raises(InputError, match=f"num_used is {num_used}; expected 0 to 5"):
        sampler.state_dict(num_used)


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


@pytest.mark.parametrize("options", [{}, {"sampling": "thin", "seed": 3, "valid_fraction": 0.3}])
def test_of_a_store_it_draws_what_protanno_draws(tmp_path, sample_path, options):
    """Not the held-out sequences, nor by weights that were applied already."""
    store = build([sample_path], tmp_path / "store", BuildOptions(**options), report=False)
    train_set = ProtAnno(str(store.folder)).split()[0]
    sampler = PropertyDrivenSampler.of(store)
    assert epoch_of(sampler, 0) == list(train_set.indices)
    train_set.set_epoch(2)
    assert epoch_of(sampler, 2) == list(train_set.indices)
    assert len(PropertyDrivenSampler.of(store, valid_fraction=0, test_fraction=0)) == len(store)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": []}, "no entry in the groups"),
        ({"groups": [Group(1, 4, 0, 0)]}, "no entry in the groups"),
        ({"num_draws": 0}, "num_draws is 0; expected at least one per rank, that is 1"),
        ({"num_draws": 3, "num_ranks": 4}, "num_draws is 3; expected at least one per rank"),
        ({"rank": 2, "num_ranks": 2}, "rank 2 of 2 given; expected a rank from 0"),
        ({"rank": -1}, "rank -1 of 1 given"),
        ({"num_ranks": 0}, "rank 0 of 0 given"),
        ({"seed": -1}, "seed: -1 given; expected 0 or above"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        PropertyDrivenSampler(**{"groups": GROUPS, "num_draws": 10, **options})
