"""The data: chemical measurements of wines, in three splits.

They are part of scikit-learn, so nothing is downloaded. To use your own data, rewrite
`load_raw`, `class_index` and the constants; `read_examples` in `task.py` reads a table
from a file. Keep these names: the rest of the package and the tests use them.
"""

import hashlib
import math
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

CLASSES = ("barolo", "grignolino", "barbera")
COLUMNS = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280_od315_of_diluted_wines",
    "proline",
)
# Columns of texts, such as "colour", with all their texts.
TEXTS: dict[str, tuple[str, ...]] = {}

# Expected ranges of columns, for the data and for inputs of users: what is possible,
# and so wider than the current data. Add yours for every column.
RANGES = {
    "alcohol": Range(8, 17),  # per cent
    "magnesium": Range(30, 300),  # milligrams per litre
    "hue": Range(0.2, 3),
    "proline": Range(100, 3000),  # milligrams per litre
}

# Not hyperparameters: experiments can be compared only if they share the split. The
# content of an example decides its split, so more data move none.
SPLIT_RULE = SplitRule(salt="wines", fractions={"train": 0.6, "val": 0.2, "test": 0.2})
SPLITS = tuple(SPLIT_RULE.fractions)


@dataclass(frozen=True)
class Examples(Dataset[tuple[Tensor, Tensor]]):
    """One split: raw examples and their labels, in a fixed order.

    Attributes:
        raw: Measurements in the order of `COLUMNS`, float32, shape (N, F).
        labels: Class indices, int64, shape (N,).
    """

    raw: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """Return one example: its input (F,) and its label ()."""
        return preprocess(self.raw[row]), self.labels[row]

    def batch(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        """Return inputs (B, F) and labels (B,) of many examples at once."""
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
        return content_digests(self.raw, COLUMNS)

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels."""
        content = hashlib.sha256(np.ascontiguousarray(self.raw).data)
        content.update(np.ascontiguousarray(self.labels).data)
        return content.hexdigest()


def preprocess(raw: Tensor) -> Tensor:
    """Convert raw measurements to inputs of the network.

    Training and prediction both call this function, so that their inputs cannot
    differ. What is fitted to data, such as the mean of a column, is in `model.py`.

    Args:
        raw: Measurements, shape (..., F).

    Returns:
        Inputs, float32, shape (..., F).
    """
    return raw.float()


def attributes(raw: Tensor) -> dict[str, Tensor]:
    """Return the columns of measurements (N, F) by name, each of shape (N,)."""
    return dict(zip(COLUMNS, raw.unbind(dim=1), strict=True))


def parse_cell(column: str, text: str) -> float:
    """Return a cell of a table as a number.

    Args:
        column: In `COLUMNS`.
        text: As it stands in the table.

    Returns:
        The number, or the position of the text in `TEXTS`.

    Raises:
        ValueError: The cell holds something else; the message says what it is not.
    """
    if column in TEXTS:
        if text not in TEXTS[column]:
            raise ValueError(f"none of {', '.join(TEXTS[column])}")
        return TEXTS[column].index(text)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= torch.finfo(torch.float32).max:
        raise ValueError("no number such as 1.5")
    return number


def load_raw() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Load every example, before the split.

    Returns:
        Measurements in the order of `COLUMNS`, shape (N, F), and labels, shape (N,).
    """
    # Imported here: prediction needs this module, but not scikit-learn.
    from sklearn.datasets import load_wine

    wines = load_wine()
    return wines.data.astype(np.float32), wines.target.astype(np.int64)


def load_all() -> Examples:
    """Load every example, before the split."""
    raw, labels = load_raw()
    return Examples(torch.from_numpy(raw), torch.from_numpy(labels))


def class_index(labels: Tensor) -> Tensor:
    """Return the position in `CLASSES` of each label.

    Each split has examples of each class, and a model is evaluated on each class.

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


def suite_names(data: Examples) -> list[str]:
    """Return the name of the suite of each example: its class."""
    return [f"class {CLASSES[index]}" for index in class_index(data.labels)]


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
