"""Processes that were together in a training part at its end."""

import subprocess
import sys

import pytest
import torch
from torch import distributed
from torchdrug.utils import comm

from protclip_td.compat.processes import part_ways


def test_after_parting_a_process_is_alone(tmp_path):
    part_ways()  # which a process that was alone does not mind
    comm.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    assert comm.get_group(torch.device("cpu")) is not None
    part_ways()
    assert not distributed.is_initialized()
    with pytest.raises(ValueError, match="CPU group is not initialized"):
        comm.get_group(torch.device("cpu"))


def test_one_that_failed_waits_for_nobody_on_gpus(tmp_path, monkeypatch):
    comm.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    with monkeypatch.context() as patched:
        patched.setattr(distributed, "get_backend", lambda: "nccl")
        part_ways(failed=True)
    assert distributed.is_initialized()
    part_ways(failed=True)
    assert not distributed.is_initialized()


# Only in a process of its own has nothing else imported what keeps the group.
_WRAP_AND_PART = """
import os, sys
from protclip_td.compat.processes import part_ways
import torch
from torchdrug.utils import comm

comm.init_process_group("gloo", init_method=sys.argv[1], rank=0, world_size=1)
torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 2))
part_ways()
for thread in os.listdir("/proc/self/task"):
    print(open(f"/proc/self/task/{thread}/comm").read().strip())
"""


def test_after_parting_no_thread_of_gloo_is_left(tmp_path):
    """With one, Python's end aborts the process every now and then."""
    command = [sys.executable, "-c", _WRAP_AND_PART, f"file://{tmp_path}/meet"]
    threads = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "python" in threads
    assert "gloo" not in threads
