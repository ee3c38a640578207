"""Processes that were together in a training part at its end."""

import pytest
import torch
from torch import distributed
from torchdrug.utils import comm

from protclip_td.compat.ranks import part_ways


def test_after_parting_a_process_is_alone(tmp_path):
    part_ways()  # which a process that was alone does not mind
    comm.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    assert comm.get_group(torch.device("cpu")) is not None
    part_ways()
    assert not distributed.is_initialized()
    with pytest.raises(ValueError, match="CPU group is not initialized"):
        comm.get_group(torch.device("cpu"))
