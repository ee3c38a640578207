"""Iterators that advance at the same time."""

import threading

import pytest

from protclip_td.protanno.side_by_side import side_by_side


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_nothing_is_lost_and_each_keeps_its_order(threads):
    items = list(side_by_side([iter(range(k, 300, 3)) for k in range(3)], threads))
    assert sorted(items) == list(range(300))
    assert [i for i in items if i % 3 == 0] == list(range(0, 300, 3))


def test_with_one_thread_they_follow_one_another():
    assert list(side_by_side([iter("ab"), iter("cd")], 1)) == list("abcd")


def test_two_really_work_at_the_same_time():
    """Each waits until the other has begun; one after the other, the wait would be in vain."""
    both = threading.Barrier(2, timeout=10)

    def wait(name):
        both.wait()
        yield name

    assert sorted(side_by_side([wait("a"), wait("b")], 2)) == ["a", "b"]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_reaches_who_reads(threads):
    def fail():
        yield 1
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(side_by_side([fail(), iter([2])], threads))


def test_who_stops_reading_is_not_waited_for():
    items = side_by_side([iter(int, 1), iter(int, 1)], 2)  # without end
    assert next(items) == 0
    items.close()
