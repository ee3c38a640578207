"""The bridge: from a node's vector to where its partners of another type should be.

Source: BioBridge (Wang et al., ICLR 2024), section on the bridge module.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from protclip_td.errors import InputError


class Nodes:
    """Kept vectors of all nodes, each type with a width of its own.

    Parameters:
        node_type (Tensor): type of each node, shape :math:`(n,)`
        vectors (dict): by type, vectors of its nodes in order, shape :math:`(n_t, d_t)`

    Example::

        >>> nodes = Nodes(torch.tensor([0, 1, 0]), {0: torch.eye(2), 1: torch.ones(1, 3)})
        >>> nodes.vectors_of(0, torch.tensor([2]))
        tensor([[0., 1.]])
    """

    def __init__(self, node_type: Tensor, vectors: Mapping[int, Tensor]) -> None:
        self.type = node_type
        self.row = torch.zeros_like(node_type)
        for each in vectors:
            of_type = node_type == each
            self.row[of_type] = torch.arange(int(of_type.sum()), device=node_type.device)
        self.vectors = vectors

    def vectors_of(self, node_type: int, nodes: Tensor) -> Tensor:
        """Vectors of some nodes of one type, :math:`(k, d_t)`."""
        return self.vectors[node_type][self.row[nodes]]


class Bridge(nn.Module):
    """A transformer over four tokens: head, its type, the relation, the type asked for.

    What comes out at the head's place, plus the head, is compared with the tails; heads and tails
    come in through one bias-free projection for each type.

    Parameters:
        widths (dict): by type, width of its vectors
        num_type (int): number of types
        num_relation (int): number of relations
        hidden_dim (int): width of the tokens
        num_layer (int): layers of the transformer
        num_head (int): heads of its attention
        dropout (float): share of the features left out in training

    Raises:
        InputError: `hidden_dim` cannot be shared out among the heads
    """

    def __init__(
        self,
        widths: Mapping[int, int],
        num_type: int,
        num_relation: int,
        hidden_dim: int,
        num_layer: int,
        num_head: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if hidden_dim % num_head:
            raise InputError(
                f"hidden_dim: {hidden_dim} is no multiple of the {num_head} heads (num_head)"
            )
        self.projection = nn.ModuleDict(
            {str(key): nn.Linear(width, hidden_dim, bias=False) for key, width in widths.items()}
        )
        self.type_embedding = _embedding(num_type, hidden_dim)
        self.relation_embedding = _embedding(num_relation, hidden_dim)
        layer = nn.TransformerEncoderLayer(
            hidden_dim, num_head, dropout=dropout, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layer, enable_nested_tensor=False)
        self.hidden_dim = hidden_dim

    def project(self, nodes: Tensor, known: Nodes) -> Tensor:
        """Nodes of any types and shape as tokens, with one more dimension for the width."""
        flat = nodes.flatten()
        node_type = known.type[flat]
        tokens = torch.zeros(len(flat), self.hidden_dim, device=flat.device)
        for each in node_type.unique().tolist():
            of_type = (node_type == each).nonzero().flatten()
            projected = self.projection[str(each)](known.vectors_of(each, flat[of_type]))
            tokens = tokens.index_copy(0, of_type, projected.to(tokens.dtype))
        return tokens.view(*nodes.shape, self.hidden_dim)

    def forward(
        self, head: Tensor, head_type: Tensor, relation: Tensor, tail_type: Tensor
    ) -> Tensor:
        """Where the tails of these heads should be.

        Parameters:
            head (Tensor): projected heads, shape :math:`(B, d)`
            head_type, relation, tail_type (Tensor): numbers, shape :math:`(B,)`

        Returns:
            Tensor of shape :math:`(B, d)`
        """
        kinds = [self.type_embedding(head_type), self.relation_embedding(relation)]
        tokens = torch.stack([head, *kinds, self.type_embedding(tail_type)], dim=1)
        return head + self.encoder(tokens)[:, 0]


def _embedding(num: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Embedding(num, dim), nn.LayerNorm(dim))
