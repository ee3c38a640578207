"""SIGINT and SIGTERM end a block, even where Python drops the exception."""

import os
import signal
import threading
import weakref

import pytest

from protclip_td.training.signals import ending_on_signals


class Thing:
    """Something that a weak reference can follow."""


def send_while_collected(signum):
    """Send a signal inside a callback of garbage collection, where Python drops exceptions."""
    thing = Thing()
    follower = weakref.ref(thing, lambda _: os.kill(os.getpid(), signum))
    del thing
    assert follower() is None


@pytest.mark.parametrize(
    ("signum", "ending"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_at_once(signum, ending):
    with pytest.raises(ending) as stop, ending_on_signals():
        signal.raise_signal(signum)
    if ending is SystemExit:
        assert stop.value.code == 143


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_drops_ends_it_at_the_next_chance():
    with ending_on_signals() as end_if_asked:
        end_if_asked()  # nothing came
        send_while_collected(signal.SIGINT)  # swallowed
        with pytest.raises(KeyboardInterrupt):
            end_if_asked()


def test_handlers_are_put_back():
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    with ending_on_signals():
        assert signal.getsignal(signal.SIGINT) not in before
    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_nothing_is_caught():
    before, inside = signal.getsignal(signal.SIGINT), []

    def look():
        with ending_on_signals() as end_if_asked:
            end_if_asked()
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert inside == [before]
