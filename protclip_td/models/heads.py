"""The small trainable parts around the two encoders.

Their weights have the shapes, and inside each head the names, of the published checkpoint.
"""

from torch import Tensor, nn

from protclip_td.models.esm import VOCABULARY


class Projection(nn.Sequential):
    """Projection into the shared space, :math:`\\varphi` in the paper: Linear, ReLU, Linear.

    Parameters:
        input_dim (int): width of the encoder's states
        projection_dim (int): width :math:`d` of the shared space
    """

    def __init__(self, input_dim: int, projection_dim: int) -> None:
        super().__init__(
            nn.Linear(input_dim, projection_dim),
            nn.ReLU(),
            nn.Linear(projection_dim, projection_dim),
        )


class ResidueHead(nn.Sequential):
    """Predicts which token a masked residue was: Linear, GELU, LayerNorm, Linear.

    Parameters:
        input_dim (int): width of the residue's state
        projection_dim (int): width inside
    """

    def __init__(self, input_dim: int, projection_dim: int) -> None:
        super().__init__(
            nn.Linear(input_dim, projection_dim),
            nn.GELU(),
            nn.LayerNorm(projection_dim),
            nn.Linear(projection_dim, len(VOCABULARY)),
        )


class BiotextAttention(nn.Module):
    """Queries of residues, keys and values of text tokens, for segment reconstruction (BSR).

    Parameters:
        projection_dim (int): width :math:`d` of the shared space
    """

    def __init__(self, projection_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(projection_dim, projection_dim)
        self.key = nn.Linear(projection_dim, projection_dim)
        self.value = nn.Linear(projection_dim, projection_dim)

    def forward(self, residues: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Make query, key and value.

        Parameters:
            residues (Tensor): projected masked residues, :math:`(M, d)`
            text (Tensor): projected text tokens, :math:`(T, d)`

        Returns:
            tensors of shape :math:`(M, d)`, :math:`(T, d)` and :math:`(T, d)`
        """
        return self.query(residues), self.key(text), self.value(text)


class PropertyBank(nn.Module):
    """The memory bank of property prototypes, for dynamic segment alignment (PDA).

    Parameters:
        num_prototype (int): number :math:`m` of prototypes
        projection_dim (int): width :math:`d` of the shared space
    """

    def __init__(self, num_prototype: int, projection_dim: int) -> None:
        super().__init__()
        self.prototype = nn.Embedding(num_prototype, projection_dim)

    def forward(self) -> Tensor:
        """The prototypes, :math:`(m, d)`."""
        return self.prototype.weight
