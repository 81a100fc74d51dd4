"""The data: strips of 2 to 6 handwritten digits; a label is the set of the digits.

The pictures of digits are divided into blocks, and a strip has digits of one block
only. Strips of a block share digits, so a block is in one split.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .toolkit.evaluation import Range
from .toolkit.splits import SplitRule, content_digests

DIGITS = 10
SIZE = 8  # pixels, height and width of a digit
MAX_INK = 16
LENGTHS = (2, 6)  # digits of a strip, at least and at most
BLOCK = 12  # pictures of digits
STRIPS = 14  # of each block

Label = frozenset[int]

RANGES = {
    "length": Range(*LENGTHS),
    "ink_max": Range(MAX_INK / 2, MAX_INK),
    "ink_mean": Range(2, 8, mostly=0.99),
}
SPLIT_RULE = SplitRule(salt="strips", fractions={"train": 0.6, "val": 0.2, "test": 0.2})
SPLITS = tuple(SPLIT_RULE.fractions)


class Strips(NamedTuple):
    """Inputs of the network.

    Attributes:
        digits: Pixels from 0 to 1, with zeros after the last digit, (B, K, 8, 8).
        lengths: Digits of each strip, int64, shape (B,).
    """

    digits: Tensor
    lengths: Tensor

    @property
    def there(self) -> Tensor:
        """Which digits are no padding, bool, shape (B, K)."""
        numbers = torch.arange(self.digits.shape[1], device=self.lengths.device)  # (K,)
        return numbers < self.lengths[:, None]  # (B, K)


@dataclass(frozen=True)
class Examples(Dataset[tuple[Any, Tensor]]):
    """One split, in a fixed order.

    Attributes:
        raw: N strips of raw pixels, uint8 from 0 to `MAX_INK`, shape (8, 8 * length).
        labels: The set of digits of each.
        blocks: The block of each; a request of a user is a block of its own.
        sources: The pictures of digits that each is made of.
    """

    raw: list[Tensor]
    labels: list[Label]
    blocks: list[str]
    sources: list[tuple[str, ...]]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Strips, Tensor]:
        """Return one example: digits (K, 8, 8), length () and target (10,)."""
        (digits, lengths), labels = self.batch([row])
        return Strips(digits[0], lengths[0]), labels[0]

    def batch(self, rows: list[int]) -> tuple[Strips, Tensor]:
        """Return inputs and targets (B, 10) of many examples at once."""
        x = preprocess([self.raw[row] for row in rows])
        return x, targets([self.labels[row] for row in rows])

    __getitems__ = batch

    def select(self, rows: list[int]) -> "Examples":
        """Return the examples in some rows, in this order."""
        return Examples(
            [self.raw[row] for row in rows],
            [self.labels[row] for row in rows],
            [self.blocks[row] for row in rows],
            [self.sources[row] for row in rows],
        )

    def with_labels(self, labels: Sequence[Label]) -> "Examples":
        """Return the same examples with other labels."""
        return replace(self, labels=[*labels])

    def digests(self) -> list[str]:
        """Return a short content hash per example, independent of its label."""
        return content_digests(self.raw)

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels."""
        lines = zip(self.digests(), map(sorted, self.labels), strict=True)
        return hashlib.sha256(repr([*lines]).encode()).hexdigest()


def targets(labels: Sequence[Label]) -> Tensor:
    """Return 1 for each digit that occurs and 0 for others, float32, (B, 10)."""
    rows = [[float(digit in label) for digit in range(DIGITS)] for label in labels]
    return torch.tensor(rows).reshape(-1, DIGITS)


def preprocess(raw: Sequence[Tensor]) -> Strips:
    """Cut strips (8, 8 * length) into digits, and pad them to the longest."""
    lengths = torch.tensor([strip.shape[1] // SIZE for strip in raw])  # (B,)
    longest = int(lengths.max())
    x = Strips(torch.zeros(len(raw), longest, SIZE, SIZE), lengths)
    pixels = torch.cat([*raw], dim=1).float() / MAX_INK  # (8, 8 * all lengths)
    x.digits[x.there] = pixels.reshape(SIZE, -1, SIZE).transpose(0, 1)
    return x


def attributes(raw: Sequence[Tensor]) -> dict[str, Tensor]:
    """Compute length, highest and mean ink of strips, shape (N,) each."""
    return {
        "length": torch.tensor([strip.shape[1] / SIZE for strip in raw]),
        "ink_max": torch.tensor([float(strip.max()) for strip in raw]),
        "ink_mean": torch.tensor([float(strip.float().mean()) for strip in raw]),
    }


def load_all() -> Examples:
    """Make every strip, before the split."""
    # Imported here: prediction needs this module, but not scikit-learn.
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = torch.from_numpy(digits.images).to(torch.uint8)  # (M, 8, 8)
    known, names = digits.target.tolist(), content_digests(pictures)
    data = Examples([], [], [], [])
    for start in range(0, len(pictures), BLOCK):
        chance = random.Random(start)  # noqa: S311 -- nothing secret
        here = range(start, min(start + BLOCK, len(pictures)))
        for _ in range(STRIPS):
            rows = chance.sample(here, min(len(here), chance.randint(*LENGTHS)))
            data.raw.append(torch.cat([pictures[row] for row in rows], dim=1))
            data.labels.append(frozenset(known[row] for row in rows))
            data.blocks.append(f"block {start // BLOCK}")
            data.sources.append(tuple(names[row] for row in rows))
    return data


def groups(data: Examples) -> list[str]:
    """Return the block of each strip."""
    return data.blocks


def sources(data: Examples) -> list[tuple[str, ...]]:
    """Return the pictures of digits that each strip is made of."""
    return data.sources


def split_indices(data: Examples) -> dict[str, list[int]]:
    """Divide examples by a hash of their block: sorted rows by split."""
    return SPLIT_RULE.assign(data.digests(), data.labels, groups=groups(data))


def load_splits() -> dict[str, Examples]:
    """Load all splits by name."""
    data = load_all()
    return {name: data.select(rows) for name, rows in split_indices(data).items()}
