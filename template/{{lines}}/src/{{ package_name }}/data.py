"""The data: pictures of lines of handwritten digits and their text, in three splits.

Lines are made of the digits that are part of scikit-learn, so nothing is downloaded. To
use your own data, rewrite `load_all`, `preprocess`, `groups`, `sources` and the
constants. Keep these names: the rest of the package and the tests use them.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .toolkit.evaluation import Range
from .toolkit.splits import SplitRule, content_digests

CHARACTERS = "0123456789"
BLANK = 0  # the class "no character here"; others are positions in CHARACTERS from 1
HEIGHT = 8  # pixels
MAX_INK = 16  # a raw pixel counts the inked dots of a 4 x 4 block
LENGTHS = (3, 7)  # characters of a line, at least and at most
MAX_GAP = 2  # empty columns between two characters
MAX_MARGIN = 8  # empty columns before and after a text

# Digits are divided into groups, and lines are made of digits of one group. So a split
# shares no digit with another.
GROUPS = 160
LINES_PER_GROUP = 12

# Expected ranges of attributes, for the data and for inputs of users. They are wider
# than those of the current data, to avoid false alarms for new data.
RANGES = {
    "width": Range(LENGTHS[0] * HEIGHT, LENGTHS[1] * (HEIGHT + MAX_GAP) + 16),
    "ink_min": Range(0, 4),
    "ink_max": Range(MAX_INK / 2, MAX_INK),
    "ink_mean": Range(1.5, 8, mostly=0.99),  # neither blank nor blotted
}

# Not hyperparameters: experiments can be compared only if they share the split. The
# group of an example decides its split, so more data move none.
SPLIT_RULE = SplitRule(salt="lines", fractions={"train": 0.6, "val": 0.2, "test": 0.2})
SPLITS = tuple(SPLIT_RULE.fractions)


class Lines(NamedTuple):
    """Inputs of the network: B pictures in a batch.

    Attributes:
        pixels: From 0 to 1, and 0 in the padding, shape (B, 1, 8, W).
        widths: Of the pictures without padding, int64, shape (B,).
    """

    pixels: Tensor
    widths: Tensor

    @property
    def mask(self) -> Tensor:
        """Whether each column is of the picture, and no padding, bool, (B, W)."""
        columns = torch.arange(self.pixels.shape[-1], device=self.widths.device)  # (W,)
        return columns < self.widths[:, None]  # (B, W)


class Texts(NamedTuple):
    """Labels of a batch for the loss.

    Attributes:
        characters: Positions in `CHARACTERS` from 1, and 0 after the end, int64, shape
            (B, L).
        lengths: Of the texts, int64, shape (B,).
    """

    characters: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Examples(Dataset[tuple[Lines, Texts]]):
    """One split: raw examples and their labels, in a fixed order.

    Attributes:
        raw: N pictures, uint8 from 0 to `MAX_INK`, shape (8, W) each.
        labels: N texts.
        digits: Digests of the digits that each line is made of, if they are known.
    """

    raw: list[Tensor]
    labels: list[str]
    digits: list[tuple[str, ...]]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Lines, Texts]:
        """Return one example: its input (1, 8, W) and its label (L,)."""
        lines, texts = self.batch([row])
        return Lines(*(part[0] for part in lines)), Texts(*(part[0] for part in texts))

    def batch(self, rows: list[int]) -> tuple[Lines, Texts]:
        """Return inputs and labels of B examples, padded to the largest."""
        labels = [self.labels[row] for row in rows]
        return preprocess([self.raw[row] for row in rows]), encode(labels)

    # The data loader calls this for a whole batch.
    __getitems__ = batch

    def select(self, rows: list[int]) -> "Examples":
        """Return the examples in some rows, in this order."""
        return Examples(
            [self.raw[row] for row in rows],
            [self.labels[row] for row in rows],
            [self.digits[row] for row in rows],
        )

    def with_labels(self, labels: Sequence[str]) -> "Examples":
        """Return the same examples with other labels."""
        return replace(self, labels=[*labels])

    def digests(self) -> list[str]:
        """Return a short content hash per example, independent of its label."""
        return content_digests(self.raw)

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels."""
        content = "\n".join(map("{} {}".format, self.digests(), self.labels))
        return hashlib.sha256(content.encode()).hexdigest()


def preprocess(raw: Sequence[Tensor]) -> Lines:
    """Convert raw pictures to inputs of the network, padded to the widest.

    Training and prediction both call this function, so that their inputs cannot
    differ.

    Args:
        raw: B pictures from 0 to `MAX_INK`, shape (8, W) each.

    Returns:
        The inputs.

    Examples:
        >>> lines = preprocess([torch.full((8, 30), 4), torch.full((8, 40), 16)])
        >>> lines.pixels.shape, lines.widths
        (torch.Size([2, 1, 8, 40]), tensor([30, 40]))
        >>> lines.pixels.amax((1, 2, 3))
        tensor([0.2500, 1.0000])
    """
    widths = torch.tensor([picture.shape[1] for picture in raw])  # (B,)
    # All columns at once, as an operation for each picture would take long.
    columns = torch.zeros(len(raw), int(widths.max()), HEIGHT)  # (B, W, 8)
    there = torch.arange(columns.shape[1]) < widths[:, None]  # (B, W)
    columns[there] = torch.cat([*raw], dim=1).T.float() / MAX_INK
    return Lines(columns.transpose(1, 2)[:, None].contiguous(), widths)


def encode(labels: Sequence[str]) -> Texts:
    """Convert texts to labels of a batch.

    Args:
        labels: B texts of `CHARACTERS`.

    Returns:
        The labels.

    Examples:
        >>> encode(["031", "9"]).characters
        tensor([[ 1,  4,  2],
                [10,  0,  0]])
    """
    lengths = torch.tensor([len(label) for label in labels], dtype=torch.int64)  # (B,)
    longest = max(map(len, labels), default=0)
    rows = [
        [CHARACTERS.index(one) + 1 for one in label] + [0] * (longest - len(label))
        for label in labels
    ]
    characters = torch.tensor(rows, dtype=torch.int64)
    return Texts(characters.reshape(len(labels), longest), lengths)


def decode(texts: Texts) -> list[str]:
    """Convert labels of a batch back to texts.

    Args:
        texts: Of B examples, on any device.

    Returns:
        B texts.

    Examples:
        >>> decode(encode(["031", "9"]))
        ['031', '9']
    """
    rows = zip(texts.characters.tolist(), texts.lengths.tolist(), strict=True)
    return ["".join(CHARACTERS[one - 1] for one in row[:end]) for row, end in rows]


def attributes(raw: Sequence[Tensor]) -> dict[str, Tensor]:
    """Compute attributes of pictures.

    Args:
        raw: N pictures, shape (8, W) each.

    Returns:
        The width in pixels, and the minimum, maximum and mean ink of each picture, by
        name, each of shape (N,).
    """
    pictures = [picture.float() for picture in raw]  # (8, W) each
    return {
        "width": torch.tensor([float(picture.shape[1]) for picture in pictures]),
        "ink_min": torch.tensor([picture.min().item() for picture in pictures]),
        "ink_max": torch.tensor([picture.max().item() for picture in pictures]),
        "ink_mean": torch.tensor([picture.mean().item() for picture in pictures]),
    }


def load_digits() -> tuple[Tensor, list[str]]:
    """Load the digits that lines are made of.

    Returns:
        Pictures, uint8 from 0 to `MAX_INK`, shape (M, 8, 8), and M characters.
    """
    # Imported here: prediction needs this module, but not scikit-learn.
    from sklearn import datasets

    digits = datasets.load_digits()
    labels = [str(digit) for digit in digits.target]
    return torch.from_numpy(digits.images).to(torch.uint8), labels


def load_all() -> Examples:
    """Make every line, before the split."""
    pictures, characters = load_digits()
    members: dict[str, list[tuple[str, int]]] = {}
    for row, digest in enumerate(content_digests(pictures)):
        members.setdefault(_group(digest), []).append((digest, row))
    data = Examples([], [], [])
    for group in sorted(members):
        # Neither other groups nor the order of the digits change the lines of a group.
        chance, digits = random.Random(group), sorted(members[group])  # noqa: S311
        for _ in range(LINES_PER_GROUP):
            line = chance.choices(digits, k=chance.randint(*LENGTHS))
            data.raw.append(_write([pictures[row] for _, row in line], chance))
            data.labels.append("".join(characters[row] for _, row in line))
            data.digits.append(tuple(digest for digest, _ in line))
    return data


def _write(digits: list[Tensor], chance: random.Random) -> Tensor:
    """Write digits (8, 8) beside each other, with gaps and margins: (8, W)."""
    most = [MAX_MARGIN, *[MAX_GAP] * (len(digits) - 1), MAX_MARGIN]
    widths = [chance.randint(0, width) for width in most]
    spaces = [torch.zeros(HEIGHT, width, dtype=torch.uint8) for width in widths]
    for place, digit in enumerate(digits):
        spaces.insert(2 * place + 1, digit)
    return torch.cat(spaces, dim=1)


def _group(digest: str) -> str:
    return f"digits {int(digest, 16) % GROUPS}"


def groups(data: Examples) -> list[str]:
    """Return the group of each line: that of its digits, or else one of its own."""
    return [
        _group(digits[0]) if digits else digest
        for digits, digest in zip(data.digits, data.digests(), strict=True)
    ]


def sources(data: Examples) -> list[tuple[str, ...]]:
    """Return the digits that each line is made of: no two splits share one."""
    return data.digits


def split_indices(data: Examples) -> dict[str, list[int]]:
    """Divide examples into training, validation and test, by a hash of their group.

    Of identical examples only the first is kept: it would count twice.

    Args:
        data: All examples.

    Returns:
        Sorted row numbers per name in `SPLITS`, disjoint. Too few examples are a
        `UserError`.

    Examples:
        >>> [*split_indices(load_all())]
        ['train', 'val', 'test']
    """
    return SPLIT_RULE.assign(data.digests(), data.labels, groups=groups(data))


def load_splits() -> dict[str, Examples]:
    """Load all splits.

    Returns:
        The `Examples` per name in `SPLITS`.
    """
    data = load_all()
    return {name: data.select(rows) for name, rows in split_indices(data).items()}
