"""The data: images of handwritten digits, in three splits.

They are part of scikit-learn, so nothing is downloaded. To use your own data, rewrite
`load_raw`, `preprocess`, `class_index` and the constants. Keep these names: the rest of
the package and the tests use them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from .toolkit.errors import UserError
from .toolkit.evaluation import Range
from .toolkit.splits import SplitRule, content_digests

CLASSES = tuple("0123456789")
IMAGE_SIZE = 8  # pixels, height and width
MAX_INK = 16  # a raw pixel counts the inked dots of a 4 x 4 block

# Expected ranges of attributes, for the data and for inputs of users. They are wider
# than those of the current data, to avoid false alarms for new data.
RANGES = {
    "ink_min": Range(0, 4),
    "ink_max": Range(MAX_INK / 2, MAX_INK),
    "ink_mean": Range(2, 8, mostly=0.99),  # neither blank nor blotted
    "ink_sides": Range(0, 3),  # the left and right edges are nearly empty
}

# Not hyperparameters: experiments can be compared only if they share the split. The
# content of an example decides its split, so more data move none.
SPLIT_RULE = SplitRule(salt="digits", fractions={"train": 0.6, "val": 0.2, "test": 0.2})
SPLITS = tuple(SPLIT_RULE.fractions)


@dataclass(frozen=True)
class Examples(Dataset[tuple[Tensor, Tensor]]):
    """One split: raw examples and their labels, in a fixed order.

    Attributes:
        raw: Raw pixels, uint8 from 0 to `MAX_INK`, shape (N, 8, 8).
        labels: Class indices, int64, shape (N,).
    """

    raw: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """Return one example: its input (1, 8, 8) and its label ()."""
        return preprocess(self.raw[row]), self.labels[row]

    def batch(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        """Return inputs (B, 1, 8, 8) and labels (B,) of many examples at once."""
        return preprocess(self.raw[rows]), self.labels[rows]

    # The data loader calls this for a whole batch. One indexing operation per batch is
    # faster than one per example, so training does not wait for data.
    __getitems__ = batch

    def select(self, rows: list[int]) -> "Examples":
        """Return the examples in some rows, in this order."""
        return replace(self, raw=self.raw[rows], labels=self.labels[rows])

    def with_labels(self, labels: Sequence[Tensor]) -> "Examples":
        """Return the same examples with other labels, () each."""
        return replace(self, labels=torch.stack([*labels]))

    def digests(self) -> list[str]:
        """Return a short content hash per example, independent of its label."""
        return content_digests(self.raw)

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels."""
        content = hashlib.sha256(np.ascontiguousarray(self.raw).data)
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()


def preprocess(raw: Tensor) -> Tensor:
    """Convert raw images to inputs of the network.

    Training and prediction both call this function, so that their inputs cannot
    differ.

    Args:
        raw: Raw pixels from 0 to `MAX_INK`, shape (..., 8, 8).

    Returns:
        Inputs from 0 to 1, float32, shape (..., 1, 8, 8).

    Examples:
        >>> preprocess(torch.full((2, 8, 8), 16)).shape
        torch.Size([2, 1, 8, 8])
        >>> preprocess(torch.full((8, 8), 4)).max()
        tensor(0.2500)
    """
    return raw.unsqueeze(-3).float() / MAX_INK


def attributes(raw: Tensor) -> dict[str, Tensor]:
    """Compute attributes of images.

    Args:
        raw: Raw pixels, shape (N, 8, 8).

    Returns:
        The minimum, maximum and mean ink of each image, and the mean of its first and
        last columns, by name, each of shape (N,).
    """
    ink = raw.float()  # (N, 8, 8)
    return {
        "ink_min": ink.amin((1, 2)),
        "ink_max": ink.amax((1, 2)),
        "ink_mean": ink.mean((1, 2)),
        "ink_sides": ink[:, :, [0, -1]].mean((1, 2)),
    }


def load_raw() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load every example, before the split.

    Returns:
        Images from 0 to `MAX_INK`, shape (N, 8, 8), and labels, shape (N,).
    """
    # Imported here: prediction needs this module, but not scikit-learn.
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.uint8), digits.target.astype(np.int64)


def load_all() -> Examples:
    """Load every example, before the split."""
    raw, labels = load_raw()
    return Examples(torch.from_numpy(raw), torch.from_numpy(labels))


def class_index(labels: Tensor) -> Tensor:
    """Return the position in `CLASSES` of each label.

    Each split has examples of each class, and a model is evaluated on each class. Here
    a label is its position; for numeric labels, classes can be ranges of values.

    Args:
        labels: As in `Examples`, shape (N,).

    Returns:
        Positions, int64, shape (N,).

    Raises:
        UserError: A label is not a class.
    """
    last = len(CLASSES) - 1
    wrong = labels[(labels < 0) | (labels > last)]
    if len(wrong):
        raise UserError(f"label {wrong[0]} is no class: from 0 to {last}, please")
    return labels


def split_indices(data: Examples) -> dict[str, list[int]]:
    """Divide examples into training, validation and test, by a hash of their content.

    Of identical examples only the first is kept: it would count twice.

    Args:
        data: All examples.

    Returns:
        Sorted row numbers per name in `SPLITS`, disjoint. Too few examples of a class
        are a `UserError`.

    Examples:
        >>> [*split_indices(load_all())]
        ['train', 'val', 'test']
    """
    classes = [CLASSES[index] for index in class_index(data.labels)]
    return SPLIT_RULE.assign(data.digests(), data.labels, classes)


def load_splits() -> dict[str, Examples]:
    """Load all splits.

    Returns:
        The `Examples` per name in `SPLITS`.
    """
    data = load_all()
    return {name: data.select(rows) for name, rows in split_indices(data).items()}
