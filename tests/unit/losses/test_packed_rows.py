"""The padded twin of the packed layout holds the same rows and nothing else."""

import pytest
import torch

from protclip_td.losses.packed import owners, slots, to_padded


@pytest.mark.parametrize("sizes", [[3], [1, 4, 2], [0, 2, 0, 1], [0, 0]])
def test_padding_and_back(sizes):
    owner = owners(torch.tensor(sizes))
    rows = torch.randn(sum(sizes), 5)
    padded, real = to_padded(rows, owner, len(sizes))
    assert padded.shape == (len(sizes), max(sizes), 5)
    assert real.sum(dim=1).tolist() == sizes
    assert torch.equal(padded[real], rows)
    assert not padded[~real].any()


def test_rows_in_any_order():
    owner = torch.tensor([2, 0, 2, 1, 0])
    assert slots(owner, 4).tolist() == [0, 0, 1, 0, 1]
    rows = torch.arange(5.0)[:, None]
    padded, real = to_padded(rows, owner, 4)
    assert padded[..., 0].tolist() == [[1, 4], [3, 0], [0, 2], [0, 0]]
    assert real.tolist() == [[True, True], [True, False], [True, True], [False, False]]
