"""Iterators that advance at the same time."""

import threading

import pytest

from protclip_td.protanno.side_by_side import side_by_side


def read(iterators, threads):
    with side_by_side(iterators, threads) as items:
        return list(items)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_nothing_is_lost_and_each_keeps_its_order(threads):
    items = read([iter(range(k, 300, 3)) for k in range(3)], threads)
    assert sorted(items) == list(range(300))
    assert [i for i in items if i % 3 == 0] == list(range(0, 300, 3))


def test_with_one_thread_they_follow_one_another():
    assert read([iter("ab"), iter("cd")], 1) == list("abcd")


def test_two_really_work_at_the_same_time():
    """Each waits until the other has begun; one after the other, the wait would be in vain."""
    both = threading.Barrier(2, timeout=10)

    def wait(name):
        both.wait()
        yield name

    assert sorted(read([wait("a"), wait("b")], 2)) == ["a", "b"]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_reaches_who_reads(threads):
    def fail():
        yield 1
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        read([fail(), iter([2])], threads)


def test_who_stops_reading_leaves_no_thread_even_if_the_items_stay():
    """Garbage collection would have to end it, at any time and in any thread."""
    before = set(threading.enumerate())
    with side_by_side([iter(int, 1), iter(int, 1)], 2) as items:  # without end
        assert next(items) == 0
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
    assert items is not None
