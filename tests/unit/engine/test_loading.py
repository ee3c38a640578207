import itertools
import random

import numpy as np
import pytest
import torch
from torch.utils import data as torch_data

from protclip_td.training.loading import (
    BatchIndices,
    SeededBatches,
    batch_size_problem,
    evaluation_indices,
    make_loader,
    training_indices,
)
from protclip_td.training.random_state import (
    fixed_random_state,
    get_random_state,
    seed_everything,
    set_random_state,
)


class Noisy(torch_data.Dataset):
    """Items with numbers of all three generators; remembers which ones were loaded."""

    def __init__(self, num_item):
        self.num_item = num_item
        self.loaded = []

    def __len__(self):
        return self.num_item

    def __getitem__(self, index):
        self.loaded.append(index)
        return {"x": torch.rand(1) + np.random.rand() + random.random(), "index": index}


def draw():
    return [random.random(), np.random.rand(), np.random.randn(), torch.rand(3).tolist()]


def test_state_goes_out_and_back(tmp_path):
    seed_everything(3)
    np.random.randn()  # leaves a second normal number waiting
    torch.save(get_random_state(), tmp_path / "state.pt")
    expected = draw()
    set_random_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert draw() == expected


def test_seeds_of_any_size_draw_each_in_its_own_way():
    """A configuration may give them; NumPy alone takes those below 2**32 only."""
    drawn = []
    for seed in (-1, 0, 64, 2**31, 2**40 + 5):
        seed_everything(seed)
        drawn += [random.random(), np.random.rand(), torch.rand(1).item()]
    assert len(set(drawn)) == 15


def test_fixed_state_is_fixed_and_leaves_no_trace():
    seed_everything(3)
    expected = draw()
    seed_everything(3)
    with fixed_random_state(7):
        first = draw()
    assert draw() == expected
    with fixed_random_state(7):
        assert draw() == first


def test_a_failure_leaves_no_trace_either():
    seed_everything(3)
    expected = draw()
    seed_everything(3)
    with pytest.raises(KeyError), fixed_random_state(7):
        raise KeyError
    assert draw() == expected


def test_batches_from_the_middle():
    assert list(BatchIndices(list(range(7)), 3, first=1)) == [[3, 4, 5], [6]]
    assert list(BatchIndices(list(range(7)), 3, last=2)) == [[0, 1, 2], [3, 4, 5]]
    assert len(BatchIndices(list(range(7)), 3, first=3)) == 0


@pytest.mark.parametrize("num_ranks", [1, 2, 3])
@pytest.mark.parametrize("is_shuffled", [False, True])
def test_sizes_are_those_of_the_batches(is_shuffled, num_ranks, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", str(num_ranks))
    cases = itertools.product(range(num_ranks), range(1, 12), range(1, 5), (0, 1), (None, 2))
    for rank, num_item, batch_size, first, last in cases:
        monkeypatch.setenv("RANK", str(rank))
        dataset = Shuffled(num_item) if is_shuffled else Noisy(num_item)
        indices = training_indices(dataset, seed=5, epoch=0)
        batches = BatchIndices(indices, batch_size, first, last)
        sizes = [len(batch) for batch in batches]
        assert batches.sizes(0, len(batches)) == sizes
        assert batches.sizes(1, 2) == sizes[1:3]


def test_sizes_are_known_without_making_batches():
    class Untouchable(list):
        def __getitem__(self, place):
            raise AssertionError("no index is needed")

    assert BatchIndices(Untouchable(range(8)), 3).sizes(1, 9) == [3, 2]


def items(num_worker, first=0, epoch=0, seed=5):
    dataset = Noisy(9)
    batches = BatchIndices(training_indices(dataset, 5, epoch), 2, first)
    loader = make_loader(SeededBatches(dataset, seed, epoch), batches, num_worker)
    values = [value for batch in loader for value in batch["x"].flatten().tolist()]
    return values, dataset.loaded


def test_items_are_the_same_from_any_batch_on_and_with_any_worker():
    whole, loaded = items(0)
    rest, loaded_rest = items(0, first=2)
    assert rest == whole[4:]
    assert loaded_rest == loaded[4:]  # the others were not even loaded
    assert items(2)[0] == whole
    assert len(set(whole)) == 9
    assert set(items(0, epoch=1)[0]).isdisjoint(whole)
    assert set(items(0, seed=6)[0]).isdisjoint(whole)


def test_items_are_made_by_as_many_workers_as_wanted():
    class Makers(torch_data.Dataset):
        def __getitem__(self, index):
            maker = torch_data.get_worker_info()
            return {"maker": -1 if maker is None else maker.id}

    for num_worker, makers in ((0, [-1, -1]), (2, [0, 1])):
        loader = make_loader(SeededBatches(Makers(), 0, 0), BatchIndices([0, 1], 1), num_worker)
        assert [batch["maker"].item() for batch in loader] == makers


class InBatches(torch_data.Dataset):
    """Gives batches in one go, and no single items."""

    def get_batch(self, indices):
        return {"index": torch.tensor(indices)}


@pytest.mark.parametrize("num_worker", [0, 1])
def test_a_data_set_that_gives_batches_is_asked_for_them_through_subsets(num_worker):
    subset = torch_data.Subset(torch_data.Subset(InBatches(), range(100, 200)), [7, 5, 3])
    loader = make_loader(SeededBatches(subset, 0, 0), BatchIndices([2, 0, 1], 2), num_worker)
    assert [batch["index"].tolist() for batch in loader] == [[103, 107], [105]]


def test_what_changes_the_items_alone_is_asked_for_items():
    class Own(InBatches):
        def __getitem__(self, index):
            return {"index": 2 * index}

    class OwnInBatches(Own):
        def get_batch(self, indices):
            return {"index": torch.tensor(indices) * 3}

    class Wrapped:
        """Has whatever the wrapped one has, but other items."""

        def __getitem__(self, index):
            return {"index": 4 * index}

        def __getattr__(self, name):
            return getattr(InBatches(), name)

    for dataset, factor in ((InBatches(), 1), (Own(), 2), (OwnInBatches(), 3), (Wrapped(), 4)):
        batch = SeededBatches(dataset, 0, 0)[[2, 5]]
        assert batch["index"].tolist() == [2 * factor, 5 * factor]


def test_a_subset_of_ones_own_gives_its_own_items():
    class Doubled(torch_data.Subset):
        def __getitem__(self, index):
            return {"index": 2 * self.indices[index]}

        def __getitems__(self, indices):
            return [self[index] for index in indices]

    batch = SeededBatches(Doubled(InBatches(), [7, 5, 3]), 0, 0)[[2, 0]]
    assert batch["index"].tolist() == [6, 14]


def test_a_subset_of_ones_own_that_only_chooses_is_asked_for_batches():
    class Drawn(torch_data.Subset):
        def set_epoch(self, epoch):
            self.indices = [epoch, epoch + 1]

    class OwnBatches(torch_data.Subset):
        def get_batch(self, indices):
            return {"index": torch.tensor(indices) - 1}

    drawn = Drawn(InBatches(), [])
    drawn.set_epoch(4)
    assert SeededBatches(drawn, 0, 0)[[1, 0]]["index"].tolist() == [5, 4]
    assert SeededBatches(OwnBatches(InBatches(), [7, 5]), 0, 0)[[1, 0]]["index"].tolist() == [0, -1]


def test_loading_leaves_the_random_numbers_alone():
    before = torch.get_rng_state()
    items(0), items(2)
    assert torch.equal(before, torch.get_rng_state())


class Shuffled:
    """So many items in an order of their own."""

    is_shuffled = True
    epoch = None

    def __init__(self, num_item=10**12):
        self.num_item = num_item

    def __len__(self):
        return self.num_item

    def set_epoch(self, epoch, num_ranks):
        self.epoch = epoch, num_ranks


def test_what_is_shuffled_already_keeps_its_order_and_needs_no_list(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    dataset = Shuffled()
    indices = training_indices(dataset, 5, epoch=3)
    assert dataset.epoch == (3, 2)
    assert next(iter(BatchIndices(indices, 3, first=100))) == [601, 603, 605]


def test_the_data_set_behind_parts_of_it_hears_of_the_epoch_and_no_order_of_ranks(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    dataset = Shuffled()
    part = torch_data.Subset(torch_data.Subset(dataset, range(50)), range(20))
    indices = training_indices(part, 5, epoch=3)
    assert dataset.epoch == (3, 1)
    assert indices != sorted(indices)
    torch_data.DistributedSampler(part, 2, 0).set_epoch(4)
    assert dataset.epoch == (4, 1)


def test_no_two_epochs_of_any_seeds_have_the_same_order():
    dataset = Noisy(50)
    orders = {
        tuple(training_indices(dataset, seed, epoch)) for seed in range(4) for epoch in range(5)
    }
    assert len(orders) == 20


def test_each_item_is_evaluated_on_one_rank(monkeypatch):
    shares = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        shares.append(list(evaluation_indices(Noisy(5))))
    assert shares == [[0, 2, 4], [1, 3]]


def test_smallest_batch_of_a_class_of_an_object_and_of_a_property():
    class Task:
        pass

    class WithProperty:
        min_batch_size = property(lambda self: 3)

    task = Task()
    task.min_batch_size = 4
    assert batch_size_problem(Task, 1) is None
    assert batch_size_problem(task, 2) == "2 given; Task needs at least 4 in a batch"
    assert batch_size_problem(WithProperty, 2) is None  # not known before there is an object
    assert batch_size_problem(WithProperty(), 2).startswith("2 given; WithProperty needs")
