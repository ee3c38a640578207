"""A build gives the same bytes however it is run, and however often it is killed."""

import itertools
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from protanno_builds import ALL, contents, in_child, kill_at_rename

from protclip_td.errors import InputError
from protclip_td.protanno import cutting, phases, publishing, staging_inputs, workers
from protclip_td.protanno.phases import build
from protclip_td.protanno.verifying import find_damage


def test_more_processes_change_no_byte(tmp_path, inputs, undisturbed):
    store = build(inputs, tmp_path / "store", ALL, jobs=2)
    assert contents(store.folder) == undisturbed


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_moment_it_goes_on(tmp_path, inputs, undisturbed, after):
    """Every rename is a moment at which something is there that was not there before."""
    folder, kills = tmp_path / "store", 0
    for number in itertools.count(1, 3):

        def killed(number=number):
            with pytest.MonkeyPatch.context() as monkeypatch:
                kill_at_rename(monkeypatch, number, after)
                build(inputs, folder, ALL)

        status = in_child(killed)
        assert status in (0, -9)
        if status == 0:
            break
        kills += 1
    assert kills > 6
    assert contents(folder) == undisturbed
    assert find_damage(folder) == []


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_a_new_store_takes_the_place_of_an_old_one(
    tmp_path, inputs, undisturbed, after, monkeypatch
):
    """Whatever is there belongs to the manifest that is there, and the new one is made once."""
    folder, made = tmp_path / "store", tmp_path / "made"
    old = contents(build(inputs[1:], folder, ALL).folder)
    monkeypatch.setattr(phases, "cut_parts", lambda *a: count(made) or cutting.cut_parts(*a))
    for number in itertools.count(1):

        def killed(number=number):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(phases, "publish", lambda staging: die_in(staging, number, after))
                build(inputs, folder, ALL, replace=True)

        if in_child(killed) == 0:
            break
        now = contents(folder)
        expected = old if now["manifest.json"] == old["manifest.json"] else undisturbed
        parts = [name for name in expected if name.startswith("pairs-")]
        assert {name: now[name] for name in parts} == {name: expected[name] for name in parts}
        if expected is old:
            assert now["report.html"] == old["report.html"]
    assert number >= 5
    assert made.read_text() == "x"
    assert contents(folder) == undisturbed


def count(path):
    """Make a mark that outlives this process."""
    with path.open("a") as file:
        file.write("x")


def die_in(staging, number, after):
    """Put a store in its place and be killed at the nth rename of that."""
    with pytest.MonkeyPatch.context() as patch:
        kill_at_rename(patch, number, after)
        publishing.publish(staging)


@pytest.mark.parametrize("number", [1, 12, 90])
def test_killed_once_nothing_done_is_done_again(tmp_path, inputs, undisturbed, number, monkeypatch):
    folder = tmp_path / "store"

    def killed():
        kill_at_rename(monkeypatch, number, after=True)
        build(inputs, folder, ALL)

    assert in_child(killed) == -9
    chunks = {path: path.stat().st_mtime_ns for path in (folder / ".building").rglob("*.frames")}
    staged = []
    stage = staging_inputs.stage_chunk
    monkeypatch.setattr(staging_inputs, "stage_chunk", lambda *a: staged.append(a[3]) or stage(*a))
    build(inputs, folder, ALL)
    assert not set(staged) & set(chunks)
    assert contents(folder) == undisturbed


def test_killed_with_its_workers_at_work(tmp_path, inputs, undisturbed, monkeypatch):
    folder, pids = tmp_path / "store", tmp_path / "pids"
    monkeypatch.setenv("PROTANNO_TEST_PIDS", str(pids))

    def killed():
        monkeypatch.setattr(staging_inputs, "stage_chunk", kill_parent)
        build(inputs, folder, ALL, jobs=2)

    assert in_child(killed) == -9
    assert contents(build(inputs, folder, ALL, jobs=2).folder) == undisturbed
    seen = set(map(int, pids.read_text().split()))
    assert len(seen) == 2
    deadline = time.monotonic() + 30
    while any(map(is_running, seen)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, seen))


def is_running(pid):
    """Whether a process works on; one that has ended may wait for whoever inherited it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


_STAGE = staging_inputs.stage_chunk


def kill_parent(*arguments):
    """Do some chunks; once two workers are at it, the second kills the build and goes on."""
    path = Path(os.environ["PROTANNO_TEST_PIDS"])
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(set(path.read_text().split())) == 2:
        os.kill(multiprocessing.parent_process().pid, 9)
        time.sleep(60)
    time.sleep(0.2)
    return _STAGE(*arguments)


def test_a_lost_worker_is_replaced(tmp_path, inputs, undisturbed, monkeypatch):
    monkeypatch.setattr(staging_inputs, "stage_chunk", die_once)
    monkeypatch.setenv("PROTANNO_TEST_MARK", str(tmp_path / "mark"))
    assert contents(build(inputs, tmp_path / "store", ALL, jobs=2).folder) == undisturbed
    assert (tmp_path / "mark").exists()


def die_once(*arguments):
    """Kill the worker process that comes first."""
    try:
        os.close(os.open(os.environ["PROTANNO_TEST_MARK"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _STAGE(*arguments)
    os.kill(os.getpid(), 9)


def die():
    """Kill any worker."""
    os.kill(os.getpid(), 9)


def test_a_task_that_kills_every_worker_is_given_up():
    message = r"lost 4 times at the same task.*call again, with fewer"
    with pytest.raises(InputError, match=message), workers.workers(2) as pool:
        list(pool.run(die, [()]))


def pressing():
    """Tasks in the middle of which Ctrl-C is pressed."""
    for number in itertools.count():
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)  # not raised here, where it could do harm
        assert number < 4
        yield (0,)


def test_ctrl_c_is_raised_between_tasks_and_the_pool_ends():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), workers.workers(2) as pool:
        list(pool.run(time.sleep, pressing()))
    assert signal.getsignal(signal.SIGINT) is before
