"""Ends what the processes of one training have together, which TorchDrug keeps for good."""

import gc

import torch.distributed.nn.functional  # noqa: F401  (see below)
from torch import distributed
from torchdrug.utils import comm

# What wraps a model for the ranks imports it, too. Whoever imports it first while the processes
# have a group keeps that group for good, as the default of its functions; here there is none yet.


def part_ways(failed: bool = False) -> None:
    """Let the ranks go their own ways, once they have nothing to do together any more.

    Threads of gloo that still run where Python shuts down abort the process, which torchrun then
    reports as a failure.

    Parameters:
        failed (bool, optional): this process may be the only one that ends. NCCL might then wait
            for the others, and torchrun would never learn of the failure
    """
    if distributed.is_initialized() and not (failed and distributed.get_backend() != "gloo"):
        comm.cpu_group = comm.gpu_group = None
        gc.collect()  # what wraps a model for the ranks holds on to them
        distributed.destroy_process_group()
