"""What a training leaves in its folder while it runs."""

from types import SimpleNamespace

import pytest

from protclip_td.training import recorder
from protclip_td.training.history import History
from protclip_td.training.recorder import Recorder


class Clock:
    """Time that passes only where a test lets it."""

    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(recorder, "time", clock)
    return clock


def drawings(tmp_path, monkeypatch, clock, epochs, seconds):
    """How many rows each picture had, where drawing takes a second."""
    drawn = []

    def draw(rows, path):
        drawn.append(len(rows))
        clock.now += 1

    monkeypatch.setattr(recorder, "draw_curves", draw)
    listener = Recorder(SimpleNamespace(path=tmp_path, history=History(tmp_path)))
    for epoch in range(1, epochs + 1):
        clock.now += seconds
        listener.on_epoch({"kind": "epoch", "epoch": epoch, "step": epoch})
    listener.on_end()
    return drawn


def test_drawing_takes_a_twentieth_of_the_time_at_most(tmp_path, monkeypatch, clock):
    drawn = drawings(tmp_path, monkeypatch, clock, epochs=200, seconds=0.5)
    assert 4 <= len(drawn) <= 7  # of 100 seconds


def test_long_epochs_are_drawn_each(tmp_path, monkeypatch, clock):
    assert drawings(tmp_path, monkeypatch, clock, 3, seconds=60) == [1, 2, 3]


def test_the_last_epoch_is_in_the_picture(tmp_path, monkeypatch, clock):
    assert drawings(tmp_path, monkeypatch, clock, 10, seconds=0.1) == [1, 10]


def test_steps_of_an_epoch_broken_off_are_in_the_picture(tmp_path, monkeypatch, clock):
    drawn = []
    monkeypatch.setattr(recorder, "draw_curves", lambda rows, path: drawn.append(len(rows)))
    listener = Recorder(SimpleNamespace(path=tmp_path, history=History(tmp_path)))
    listener.on_end()  # of a run that was done before it was resumed
    assert drawn == []
    listener.on_step({"kind": "step", "epoch": 1, "step": 1})
    listener.on_end()
    listener.on_end()
    assert drawn == [1]


def test_a_picture_that_a_killed_process_left_behind_is_redrawn(tmp_path, monkeypatch, clock):
    History(tmp_path).append({"kind": "epoch", "epoch": 1, "step": 1})
    assert drawings(tmp_path, monkeypatch, clock, epochs=0, seconds=0) == [1]


def test_a_table_goes_on_where_an_earlier_process_left_it(tmp_path):
    for epoch in (1, 2):
        History(tmp_path).append({"kind": "epoch", "epoch": epoch, "step": epoch})
    assert History(tmp_path).csv.read_text() == "epoch,step\n1,1\n2,2\n"


@pytest.mark.parametrize("damaged", [b'{"kind": "ep', b"\0\0\0", b"\xff\xfe"])
def test_a_damaged_row_takes_no_other_with_it(tmp_path, damaged):
    for epoch in (1, 2, 3):
        History(tmp_path).append({"kind": "epoch", "epoch": epoch, "step": epoch})
    lines = (tmp_path / "metrics.jsonl").read_bytes().splitlines()
    (tmp_path / "metrics.jsonl").write_bytes(b"\n".join([lines[0], damaged, lines[2]]))
    assert [row["epoch"] for row in History(tmp_path).rows()] == [1, 3]
