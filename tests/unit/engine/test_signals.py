"""SIGINT and SIGTERM end a block, even where Python drops the exception."""

import errno
import os
import signal
import threading
import time
import weakref

import pytest

from protclip_td.training.signals import StopRequest, ending_on_signals


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
        inside.append("out again")

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert inside == [before, "out again"]


@pytest.fixture
def stop():
    """A request that Ctrl-C may make."""
    with StopRequest() as stop:
        yield stop


def test_only_another_ctrl_c_a_second_later_ends_at_once(stop, monkeypatch):
    """torchrun sends the one of the terminal again, and SIGTERM behind it."""
    killed = []
    monkeypatch.setattr(os, "kill", lambda _, signum: killed.append(signum))
    for second, signum in [(7, signal.SIGINT), (7.9, signal.SIGINT), (9, signal.SIGTERM)]:
        monkeypatch.setattr(time, "monotonic", lambda second=second: second)
        signal.raise_signal(signum)
    assert killed == []
    signal.raise_signal(signal.SIGINT)
    assert killed == [signal.SIGINT]
    assert stop.signum == signal.SIGINT


def test_a_request_needs_no_terminal(stop, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "write", refuse)
    signal.raise_signal(signal.SIGTERM)
    assert stop.signum == signal.SIGTERM


def test_workers_leave_ctrl_c_to_their_parent(stop, capfd):
    """The terminal sends it to them as well."""
    child = os.fork()
    if child == 0:
        signal.raise_signal(signal.SIGINT)
        os._exit(bool(stop))
    assert os.waitpid(child, 0)[1] == 0
    assert capfd.readouterr().err == ""
