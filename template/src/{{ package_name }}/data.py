"""The data: images of handwritten digits, split once and for all.

They come with scikit-learn, so nothing is downloaded. To use data of your own, replace
what `load_raw` returns, what `preprocess` makes of it, `class_index` and the constants.
The rest of the package and the tests go by these names.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from .toolkit.errors import UserError
from .toolkit.evaluation import Range

CLASSES = tuple("0123456789")
SPLITS = ("train", "val", "test")
IMAGE_SIZE = 8  # pixels, height and width
MAX_INK = 16  # a raw pixel counts the inked dots of a 4 x 4 block

# What an image looks like, whether it is one of the data or comes from a user. Looser
# than the data of today: an alarm at every new batch is soon switched off.
RANGES = {
    "ink_min": Range(0, 4),
    "ink_max": Range(MAX_INK / 2, MAX_INK),
    "ink_mean": Range(2, 8, mostly=0.99),  # neither blank nor blotted
    "ink_sides": Range(0, 3),  # a digit stands free
}

# Not a hyperparameter: experiments can be compared only if they share the split.
SPLIT_SEED = 2022
MIN_PER_CLASS = 5  # to have at least one in each split


@dataclass(frozen=True)
class Examples(Dataset[tuple[Tensor, Tensor]]):
    """One split: examples as they were loaded and their labels, in a fixed order.

    Attributes:
        raw: Raw pixels, uint8 from 0 to `MAX_INK`, shape (N, 8, 8).
        labels: Class indices, int64, shape (N,).
    """

    raw: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one example: its input (1, 8, 8) and its label ()."""
        return preprocess(self.raw[index]), self.labels[index]

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return inputs (B, 1, 8, 8) and labels (B,) of many examples at once."""
        return preprocess(self.raw[indices]), self.labels[indices]

    # What the data loader calls, and takes as a batch. One indexing operation per batch
    # instead of one per example keeps the data path out of the way of training.
    __getitems__ = batch

    def replace(self, *, raw: Tensor, labels: Tensor) -> Self:
        """Return other examples (M, 8, 8) with labels (M,), such as some of these."""
        return replace(self, raw=raw, labels=labels)

    def digests(self) -> list[str]:
        """Return a short content hash per example, whatever its label."""
        return [_digest(example) for example in self.raw.numpy()]

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels: other data, another hash."""
        content = hashlib.sha256(np.ascontiguousarray(self.raw).data)
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()


def _digest(example: NDArray[Any]) -> str:
    return hashlib.sha256(example.tobytes()).hexdigest()[:16]


def preprocess(raw: Tensor) -> Tensor:
    """Turn raw images into what the network reads.

    Training and prediction both go through this function, so that they cannot
    come to see different inputs.

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
    """Describe images in numbers.

    Args:
        raw: Raw pixels, shape (N, 8, 8).

    Returns:
        The least, the most and the mean ink of each image, and the mean in its first
        and last columns, by name, each of shape (N,).
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


def class_index(labels: Tensor) -> Tensor:
    """Return the position in `CLASSES` of each label.

    Splits have the same share of each class, and a model is judged on each. Here a
    label is that position; where labels are numbers, classes can be ranges of them.

    Args:
        labels: As in `Examples`, shape (N,).

    Returns:
        Positions, int64, shape (N,).

    Raises:
        UserError: A label is none.
    """
    last = len(CLASSES) - 1
    wrong = labels[(labels < 0) | (labels > last)]
    if len(wrong):
        raise UserError(f"label {wrong[0]} is no class: from 0 to {last}, please")
    return labels


def split_indices(
    raw: NDArray[Any], labels: NDArray[Any]
) -> dict[str, NDArray[np.int64]]:
    """Divide examples into 60 % training, 20 % validation and 20 % test.

    Every split has the same share of each class. Of identical examples only the
    first is kept: a copy in another split would leak the answer.

    Args:
        raw: Examples as `load_raw` returns them, shape (N, ...).
        labels: Their labels, shape (N,).

    Returns:
        Sorted row numbers per name in `SPLITS`, disjoint.

    Raises:
        UserError: There are no examples, or too few of a class to split.

    Examples:
        >>> raw, labels = load_raw()
        >>> {name: len(rows) for name, rows in split_indices(raw, labels).items()}
        {'train': 1078, 'val': 359, 'test': 360}
    """
    from sklearn.model_selection import train_test_split

    if not len(labels):
        raise UserError("there are no examples")
    classes = class_index(torch.from_numpy(labels)).numpy()
    _, rows = np.unique([_digest(example) for example in raw], return_index=True)
    rows.sort()
    for index, count in zip(*np.unique(classes[rows], return_counts=True), strict=True):
        if count < MIN_PER_CLASS:
            raise UserError(f"class {CLASSES[index]} has too few examples: {count}")
    train, rest = train_test_split(
        rows, test_size=0.4, random_state=SPLIT_SEED, stratify=classes[rows]
    )
    val, test = train_test_split(
        rest, test_size=0.5, random_state=SPLIT_SEED, stratify=classes[rest]
    )
    return {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}


def load_splits() -> dict[str, Examples]:
    """Load all splits.

    Returns:
        The `Examples` per name in `SPLITS`.

    Raises:
        UserError: The data cannot be split, or a split is empty.
    """
    raw, labels = load_raw()
    rows_of = split_indices(raw, labels)
    for name in SPLITS:
        if not len(rows_of[name]):
            raise UserError(f"there are no examples in the split {name}")
    return {
        name: Examples(torch.from_numpy(raw[rows]), torch.from_numpy(labels[rows]))
        for name, rows in rows_of.items()
    }
