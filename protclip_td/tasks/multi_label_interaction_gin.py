"""The head of GNN-PPI: one round of messages over a network, then pairs of its proteins.

Source: GNN-PPI (Lv et al., IJCAI 2021), with one vector per protein in the place of its
convolutional encoder; GIN (Xu et al., ICLR 2019).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Neighbours:
    """Sums over the neighbours of each protein in an undirected network.

    A product with a sparse matrix, which never holds a row per message: the network of STRING has
    1.2 million of them. The matrix is symmetric, so that its gradient is the same product.

    Parameters:
        pairs (array): pairs of proteins, shape :math:`(k, 2)`, each once
        num_node (int): number :math:`n` of proteins

    Example::

        >>> neighbours = Neighbours(np.array([[0, 1], [1, 2]]), num_node=3)
        >>> neighbours.sum(torch.tensor([[1.0], [10.0], [100.0]])).flatten()
        tensor([ 10., 101.,  10.])
    """

    def __init__(self, pairs: np.ndarray, num_node: int) -> None:
        both = torch.from_numpy(np.concatenate([pairs, pairs[:, ::-1]]).T.copy())
        ones = torch.ones(both.shape[1])
        size = (num_node, num_node)
        matrix = torch.sparse_coo_tensor(both, ones, size, check_invariants=True)
        self.matrix = matrix.coalesce()

    def sum(self, feature: Tensor) -> Tensor:
        """Sum over the neighbours, :math:`(n, d)` from :math:`(n, d)`, in float32."""
        if self.matrix.device != feature.device:
            self.matrix = self.matrix.to(feature.device)
        with torch.autocast(feature.device.type, enabled=False):
            return _SymmetricProduct.apply(feature.float(), self.matrix)


class _SymmetricProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, feature: Tensor, matrix: Tensor) -> Tensor:
        ctx.matrix = matrix
        return torch.sparse.mm(matrix, feature)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return torch.sparse.mm(ctx.matrix, grad.contiguous()), None


class InteractionHead(nn.Module):
    """From vectors of all proteins to logits of pairs.

    Linear(d → 256), GIN convolution (512, ReLU twice, batch normalisation, learnable ε), Linear
    with ReLU, dropout, Linear; then the product of the two proteins and Linear(512 → actions).

    Parameters:
        input_dim (int): width :math:`d` of the proteins' vectors
        num_class (int): number of types of action
        node_dim (int, optional): width in front of the convolution
        hidden_dim (int, optional): width from the convolution on
        dropout (float, optional): share of the features left out in training
    """

    def __init__(
        self,
        input_dim: int,
        num_class: int,
        node_dim: int = 256,
        hidden_dim: int = 512,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.input = nn.Linear(input_dim, node_dim)
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.convolution = nn.Sequential(
            nn.Linear(node_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, hidden_dim),
            nn.ReLU(),
            # The batch is the whole network, in evaluation as in training, so its own statistics
            # hold in both; running ones lag behind the few steps of an epoch.
            nn.BatchNorm1d(hidden_dim, track_running_stats=False),
        )
        self.first = nn.Linear(hidden_dim, hidden_dim)
        self.second = nn.Linear(hidden_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, num_class)
        self.dropout = dropout

    def encode(self, vectors: Tensor, neighbours: Neighbours) -> Tensor:
        """All proteins in the light of their neighbours, :math:`(n, hidden\\_dim)`."""
        feature = self.input(vectors)
        return self.convolution((1 + self.epsilon) * feature + neighbours.sum(feature))

    def forward(self, feature: Tensor, node1: Tensor, node2: Tensor) -> Tensor:
        """Logits of pairs, :math:`(B, num\\_class)`, from what `encode` gives."""
        # What follows looks at each protein alone, so those of the pairs are enough.
        nodes, place = torch.cat([node1, node2]).unique(return_inverse=True)
        feature = F.relu(self.first(feature[nodes]))
        feature = self.second(F.dropout(feature, self.dropout, self.training))
        first, second = feature[place].chunk(2)
        return self.output(first * second)
