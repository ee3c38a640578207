"""The same build on a Dask cluster, one of whose workers is killed in the middle."""

import multiprocessing
import os
import signal
import threading
import time

import pytest
from protanno_builds import contents

from protclip_td.errors import InputError
from protclip_td.properties import CONFIDENCES, COVERAGES
from protclip_td.protanno import staging_inputs, workers
from protclip_td.protanno.build_options import BuildOptions
from protclip_td.protanno.phases import build

distributed = pytest.importorskip("distributed")

ALL = BuildOptions(confidences=CONFIDENCES, coverages=COVERAGES)


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two worker processes on this machine's loopback."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        yield cluster


def test_a_killed_worker_changes_no_byte(tmp_path, sample_path, cluster, monkeypatch):
    monkeypatch.setattr(staging_inputs, "CHUNK_BYTES", 100_000)
    plain = contents(build([sample_path], tmp_path / "plain", ALL).folder)
    folder, victims = tmp_path / "store", []
    with distributed.Client(cluster) as client:
        pids = list(client.run(os.getpid).values())
    assert len(pids) == 2

    def kill_one():
        while len(list(folder.glob(".building/chunks/*.frames"))) < 5:
            time.sleep(0.01)
        victims.append(len(list(folder.glob(".building/chunks/*.frames"))))
        os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    store = build([sample_path], folder, ALL, scheduler=cluster.scheduler_address)
    killer.join(1)
    assert contents(store.folder) == plain
    assert victims[0] < 20
    with distributed.Client(cluster) as client:
        assert pids[0] not in client.run(os.getpid).values()


def die():
    """Kill any worker."""
    os.kill(os.getpid(), signal.SIGKILL)


def give_up_at_once(dask_scheduler):
    """Try a task whose worker was lost no second time."""
    dask_scheduler.allowed_failures = 0


def test_a_task_that_kills_every_worker_is_given_up(cluster):
    with distributed.Client(cluster) as client:
        client.run_on_scheduler(give_up_at_once)
    address = cluster.scheduler_address
    message = r"lost again and again .* at the same task.*call again, with fewer"
    with pytest.raises(InputError, match=message), workers.workers(1, address) as pool:
        list(pool.run(die, [()]))


def serve(connection):
    """A scheduler and its worker in a process of their own; tells the address, and stays."""
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        connection.send(cluster.scheduler_address)
        signal.pause()


@pytest.fixture
def scheduler():
    """Process and address of a scheduler that can be killed."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,))
    process.start()
    try:
        assert here.poll(60)
        yield process, here.recv()
    finally:
        process.kill()
        process.join()


def work_while_it_dies(process, address):
    with workers.workers(1, address) as pool:
        results = iter(pool.run(time.sleep, [(0.01,)] * 1000))
        next(results)  # it is at work, however busy the machine
        process.kill()
        list(results)


def test_a_scheduler_that_goes_away(scheduler, caplog):
    process, address = scheduler
    message = rf"the Dask scheduler at {address} is gone. What is done is kept.*call again"
    with pytest.raises(InputError, match=message):
        work_while_it_dies(process, address)
    assert not [record for record in caplog.records if record.name == "distributed.client"]


def test_no_scheduler(tmp_path, sample_path, monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler with a worker answers at tcp://127"):
        build([sample_path], tmp_path / "store", ALL, scheduler="tcp://127.0.0.1:9")
