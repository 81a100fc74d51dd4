"""The network: a small convolutional classifier in plain PyTorch."""

import torch
from torch import Tensor, nn

from .data import CLASSES, IMAGE_SIZE, Examples, preprocess


class Standardize(nn.Module):
    """Standardizes inputs to mean 0 and standard deviation 1.

    Any preprocessing that is fitted to data belongs here. It is saved and loaded with
    the weights, so prediction cannot use other values than training.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def fit(self, x: Tensor) -> None:
        """Compute mean and standard deviation.

        Args:
            x: Inputs, shape (N, 1, 8, 8).
        """
        self.mean.copy_(x.mean())
        self.std.copy_(x.std().clamp_min(1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """Return standardized inputs of any shape."""
        return (x - self.mean) / self.std


class Network(nn.Module):
    """Two convolutions, one pooling, two linear layers.

    Args:
        width: Feature maps of the first convolution; the second has twice as many.
        embedding_size: Length D of the embedding of an image.
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
        flat_size = 2 * width * (IMAGE_SIZE // 2) ** 2
        self.embedding = nn.Linear(flat_size, embedding_size)
        self.head = nn.Linear(embedding_size, len(CLASSES))

    def fit_preprocessing(self, train: Examples) -> None:
        """Fit the preprocessing to examples, which must be the training split."""
        self.standardize.fit(preprocess(train.raw))

    def embed(self, x: Tensor) -> Tensor:
        """Return the embedding of each image.

        Args:
            x: Inputs from `preprocess`, shape (B, 1, 8, 8).

        Returns:
            Embeddings, shape (B, D).
        """
        x = self.standardize(x)  # (B, 1, 8, 8)
        x = self.features(x)  # (B, 2 * width * 4 * 4)
        return self.embedding(x).relu()  # (B, D)

    def forward(self, x: Tensor) -> Tensor:
        """Return a score per class, before the softmax.

        Args:
            x: Inputs from `preprocess`, shape (B, 1, 8, 8).

        Returns:
            Logits, shape (B, 10).

        Examples:
            >>> import torch
            >>> Network()(torch.zeros(3, 1, 8, 8)).shape
            torch.Size([3, 10])
        """
        return self.head(self.embed(x))  # (B, 10)
