"""The network: convolutions over a line and a score per column, in plain PyTorch."""

import torch
from torch import Tensor, nn

from .data import BLANK, CHARACTERS, HEIGHT, Examples, Lines, preprocess

NEVER = -1e4  # the score of what is impossible; half precision can hold it


class Standardize(nn.Module):
    """Standardizes pixels to mean 0 and standard deviation 1.

    Any preprocessing that is fitted to data belongs here. It is saved and loaded with
    the weights, so prediction cannot use other values than training.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    def fit(self, x: Lines) -> None:
        """Compute mean and standard deviation of the pixels without the padding."""
        pixels = x.pixels.movedim(-1, 1)[x.mask]  # (columns, 1, 8)
        self.mean.copy_(pixels.mean())
        self.std.copy_(pixels.std().clamp_min(1e-6))

    def forward(self, x: Lines) -> Tensor:
        """Return standardized pixels (B, 1, 8, W), and 0 in the padding."""
        return (x.pixels - self.mean) / self.std * x.mask[:, None, None]


class Normalize(nn.Module):
    """Batch normalization over the columns of a line, without the padding.

    Args:
        size: Features F.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return normalized features, and 0 in the padding.

        Args:
            x: Features, shape (B, F, T).
            mask: Whether each column is no padding, bool, shape (B, T).

        Returns:
            Features, shape (B, F, T).
        """
        columns = x.transpose(1, 2)  # (B, T, F)
        normal = torch.zeros_like(columns)
        normal[mask] = self.norm(columns[mask]).to(normal.dtype)
        return normal.transpose(1, 2)


class Block(nn.Module):
    """A convolution over a line, whose result is added to its input.

    Args:
        size: Features F.
        dilation: Columns between those that the convolution sees.
    """

    def __init__(self, size: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(
            size, size, kernel_size=3, padding=dilation, dilation=dilation
        )
        self.norm = Normalize(size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return features (B, F, T) of features (B, F, T) and a mask (B, T)."""
        return x + self.norm(self.convolution(x), mask).relu()


class Features(nn.Module):
    """Features of each second column of a line.

    Args:
        width: Feature maps of the first convolution.
        dropout: Fraction of features that training drops, from 0 to 1.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        size = 4 * width
        rows = -(-HEIGHT // 2)
        self.second = nn.Conv1d(width * rows, size, kernel_size=3, padding=1)
        self.norm = Normalize(size)
        # With these dilations a column sees the whole line: where the rest is empty, it
        # can tell the end of the line from a gap.
        self.context = nn.ModuleList(Block(size, dilation) for dilation in (1, 4, 16))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return features without padding.

        Args:
            x: Standardized pixels, shape (B, 1, 8, W).
            mask: Whether each column is no padding, bool, shape (B, W).

        Returns:
            Features, shape (B, 4 * width, T).
        """
        x = self.first(x).relu() * mask[:, None, None]  # (B, width, 8, W)
        x = self.dropout(self.pool(x).flatten(1, 2))  # (B, 4 * width, T)
        mask = mask[:, ::2]  # (B, T)
        x = self.norm(self.second(x), mask).relu()  # (B, 4 * width, T)
        for block in self.context:
            x = block(x, mask)  # (B, 4 * width, T)
        return self.dropout(x)


class Network(nn.Module):
    """Convolutions with a wide view, and a linear layer over each second column.

    Args:
        width: Feature maps of the first convolution; others have four times as many.
        embedding_size: Length D of the embedding of a line.
        dropout: Fraction of features that training drops, from 0 to 1.
    """

    def __init__(
        self, width: int = 16, embedding_size: int = 32, dropout: float = 0.4
    ) -> None:
        super().__init__()
        self.standardize = Standardize()
        self.features = Features(width, dropout)
        self.embedding = nn.Linear(4 * width, embedding_size)
        self.head = nn.Linear(embedding_size, 1 + len(CHARACTERS))

    def fit_preprocessing(self, train: Examples) -> None:
        """Fit the preprocessing to examples, which must be the training split."""
        self.standardize.fit(preprocess(train.raw))

    def embed(self, x: Lines) -> Tensor:
        """Return the embedding of each line, the mean over its columns.

        Args:
            x: Inputs from `preprocess`, widths up to W.

        Returns:
            Embeddings, shape (B, D).
        """
        columns, mask = self._columns(x)  # (B, T, D), (B, T)
        return (columns * mask[..., None]).sum(1) / mask.sum(1)[:, None]  # (B, D)

    def forward(self, x: Lines) -> Tensor:
        """Return a score per character in each second column, before the softmax.

        In the padding the blank is certain, so the loss and the text do not depend on
        it.

        Args:
            x: Inputs from `preprocess`, widths up to W.

        Returns:
            Logits of the blank and `CHARACTERS`, shape (B, T, C); T is W / 2, rounded
            up.

        Examples:
            >>> Network()(preprocess([torch.zeros(8, 50), torch.zeros(8, 31)])).shape
            torch.Size([2, 25, 11])
        """
        columns, mask = self._columns(x)  # (B, T, D), (B, T)
        logits = self.head(columns)  # (B, T, C)
        certain = torch.full_like(logits[0, 0], NEVER)  # (C,)
        certain[BLANK] = 0
        return torch.where(mask[..., None], logits, certain)

    def _columns(self, x: Lines) -> tuple[Tensor, Tensor]:
        features = self.features(self.standardize(x), x.mask)  # (B, 4 * width, T)
        columns = self.embedding(features.transpose(1, 2)).relu()  # (B, T, D)
        return columns, x.mask[:, ::2]
