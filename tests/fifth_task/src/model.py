"""The network: the same layers for each digit, then the maximum over the digits."""

import torch
from torch import Tensor, nn

from .data import DIGITS, SIZE, Examples, Strips, preprocess


class Standardize(nn.Module):
    """Standardizes pixels to mean 0 and standard deviation 1."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def fit(self, x: Strips) -> None:
        """Compute mean and standard deviation of the pixels without the padding."""
        pixels = x.digits[x.there]  # (digits, 8, 8)
        self.mean.copy_(pixels.mean())
        self.std.copy_(pixels.std().clamp_min(1e-6))

    def forward(self, x: Strips) -> Tensor:
        """Return standardized pixels (B, K, 8, 8)."""
        return (x.digits - self.mean) / self.std


class Network(nn.Module):
    """Two convolutions and two linear layers.

    Args:
        width: Feature maps of the first convolution; the second has twice as many.
        embedding_size: Length D of the embedding of a strip.
        dropout: Fraction of features that training drops, from 0 to 1.
    """

    def __init__(
        self, width: int = 16, embedding_size: int = 32, dropout: float = 0.4
    ) -> None:
        super().__init__()
        self.standardize = Standardize()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
        )
        self.embedding = nn.Linear(2 * width * (SIZE // 2) ** 2, embedding_size)
        self.head = nn.Linear(embedding_size, DIGITS)

    def fit_preprocessing(self, train: Examples) -> None:
        """Fit the preprocessing to examples, which must be the training split."""
        self.standardize.fit(preprocess(train.raw))

    def embed(self, x: Strips) -> Tensor:
        """Return embeddings (B, D) of inputs from `preprocess`."""
        there = x.there  # (B, K)
        z = self.standardize(x).flatten(0, 1)[:, None]  # (B * K, 1, 8, 8)
        z = self.embedding(self.features(z)).relu()  # (B * K, D)
        z = z.unflatten(0, there.shape)  # (B, K, D)
        z = z * there[:, :, None]  # (B, K, D)
        return z.amax(dim=1)  # (B, D)

    def forward(self, x: Strips) -> Tensor:
        """Return a score per digit, before the sigmoid, (B, 10)."""
        return self.head(self.embed(x))
