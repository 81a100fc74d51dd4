"""The network: a small regression with a range around each number, in plain PyTorch."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import COLUMNS, Examples, preprocess


class Standardize(nn.Module):
    """Standardizes each column to mean 0 and standard deviation 1.

    Any preprocessing that is fitted to data belongs here. It is saved and loaded with
    the weights, so prediction cannot use other values than training.

    Args:
        size: Number of columns.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def fit(self, x: Tensor) -> None:
        """Compute mean and standard deviation of each column of x (N, F)."""
        self.mean.copy_(x.mean(dim=0))
        self.std.copy_(x.std(dim=0).clamp_min(1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """Return standardized inputs (..., F)."""
        return (x - self.mean) / self.std


class Network(nn.Module):
    """Three linear layers.

    Args:
        width: A fourth of the features of the first layer.
        embedding_size: Length D of the embedding of an example.
        dropout: Fraction of features that training drops, from 0 to 1.
    """

    def __init__(
        self, width: int = 16, embedding_size: int = 32, dropout: float = 0.4
    ) -> None:
        super().__init__()
        self.standardize = Standardize(len(COLUMNS))
        self.features = nn.Sequential(
            nn.Linear(len(COLUMNS), 4 * width), nn.ReLU(), nn.Dropout(dropout)
        )
        self.embedding = nn.Linear(4 * width, embedding_size)
        self.head = nn.Linear(embedding_size, 3)
        self.label = Standardize(1)

    def fit_preprocessing(self, train: Examples) -> None:
        """Fit the preprocessing to examples, which must be the training split."""
        self.standardize.fit(preprocess(train.raw))
        self.label.fit(train.labels[:, None])  # (N, 1)

    def embed(self, x: Tensor) -> Tensor:
        """Return the embedding of each example.

        Args:
            x: Inputs from `preprocess`, shape (B, F).

        Returns:
            Embeddings, shape (B, D).
        """
        x = self.standardize(x)  # (B, F)
        x = self.features(x)  # (B, 4 * width)
        return self.embedding(x).relu()  # (B, D)

    def forward(self, x: Tensor) -> Tensor:
        """Return three quantiles of the label, in ascending order.

        Networks learn numbers around 0 well, so these are of the standardized label,
        and are converted to its unit at the end.

        Args:
            x: Inputs from `preprocess`, shape (B, F).

        Returns:
            The quantiles in `QUANTILES` of `evaluation.py`, shape (B, 3).

        Examples:
            >>> Network()(torch.zeros(5, len(COLUMNS))).shape
            torch.Size([5, 3])
        """
        middle, below, above = self.head(self.embed(x)).unbind(dim=1)  # (B,) each
        low, high = middle - F.softplus(below), middle + F.softplus(above)
        quantiles = torch.stack([low, middle, high], dim=1)  # (B, 3)
        return quantiles * self.label.std + self.label.mean
