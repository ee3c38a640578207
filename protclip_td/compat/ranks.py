"""Ends what the processes of one training have together, which TorchDrug keeps for good."""

import gc

from torch import distributed
from torchdrug.utils import comm


def part_ways() -> None:
    """Let the ranks go their own ways, once they have nothing to do together any more.

    Threads of gloo that still run where Python shuts down abort the process, which torchrun then
    reports as a failure.
    """
    if distributed.is_initialized():
        comm.cpu_group = comm.gpu_group = None
        gc.collect()  # what wraps a model for the ranks holds on to them
        distributed.destroy_process_group()
