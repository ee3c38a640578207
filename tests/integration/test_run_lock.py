"""A run's folder belongs to one process at a time."""

import errno
import multiprocessing
import os
import sys

import pytest
from toy_training import only_run, run_toy

import protclip_td.run
from protclip_td.errors import InputError, TrainingError
from protclip_td.training.lock import FolderLock


def hold_lock(folder, pipe):
    FolderLock(folder)
    pipe.send("held")
    pipe.recv()


def test_folder_in_use_names_the_process(tmp_path):
    run_toy(tmp_path)
    folder = only_run(tmp_path)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold_lock, args=(folder, theirs), daemon=True)
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(InputError, match=f"in use by process {process.pid} on .* since 20"):
        run_toy(tmp_path, resume=folder)
    ours.send("enough")
    process.join()
    run_toy(tmp_path, resume=folder)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("protclip_td.training.lock.os.open", refuse)
    with pytest.raises(TrainingError, match=r"\.lock could not be written: Read-only file system"):
        FolderLock(tmp_path)


def test_the_process_that_uses_a_folder_is_named_whatever_stood_there(tmp_path):
    (tmp_path / ".lock").write_text("the end of a longer one " * 9)
    lock = FolderLock(tmp_path)
    with pytest.raises(InputError, match=f"in use by process {os.getpid()} on "):
        FolderLock(tmp_path)
    (tmp_path / ".lock").write_text("")  # between making it and writing
    with pytest.raises(InputError, match="in use by another process"):
        FolderLock(tmp_path)
    lock.release()


def test_a_folder_without_locks_is_not_called_in_use(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("protclip_td.training.lock.fcntl.flock", refuse)
    with pytest.raises(InputError, match=f"{tmp_path} cannot be locked: No locks available"):
        FolderLock(tmp_path)


def test_lock_is_not_inherited_by_workers(tmp_path):
    run_toy(tmp_path)
    lock = protclip_td.run.RunFolder.open(only_run(tmp_path)).lock
    child = os.fork()
    if child == 0:
        try:
            os.fstat(lock._descriptor)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    lock.release()


def test_a_worker_that_releases_a_lock_closes_no_file_of_its_own(tmp_path):
    lock = FolderLock(tmp_path)
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), lock._descriptor)
            lock.release()
            os.fstat(lock._descriptor)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    assert os.waitpid(child, 0)[1] == 0
    lock.release()
    lock.release()  # twice is no mistake
