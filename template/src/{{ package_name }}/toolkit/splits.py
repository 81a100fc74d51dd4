"""Stable splits: what decides the split of an example is the example itself.

A hash of its content, or of the group that it belongs to, places each example. So more
data, another order or corrected labels leave every other example where it was.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

DIGEST_LENGTH = 16  # hexadecimal digits
NUMBERS = (*"biufc", *"mM")  # kinds of NumPy's types
PAGE = "see the page Splits of the documentation of the template"
_BLOCK = 1 << 20  # numbers to convert at a time


def content_digests(
    examples: Sequence[Any] | NDArray[Any] | Tensor, columns: Sequence[str] = ()
) -> list[str]:
    """Return a short hash of the content of each example.

    The type of the numbers and the shape of an example do not matter. Numbers that are
    not whole count with the precision of `float32`.

    Args:
        examples: An array or a tensor of numbers, shape (N, ...); or N items, each of
            numbers, text, bytes, or lists and dictionaries of them.
        columns: Names of the columns of an array (N, columns), if it is a table: then
            their order does not matter, either.

    Returns:
        N digests of 16 hexadecimal digits.

    Examples:
        >>> content_digests(np.array([[1, 2]])) == content_digests([[1.0, 2.0]])
        True
        >>> table = np.array([[1, 2]])
        >>> turned = content_digests(table[:, ::-1], ["hue", "ash"])
        >>> turned == content_digests(table, ["ash", "hue"])
        True
    """
    if not isinstance(examples, Sequence | np.ndarray):
        examples = _array(examples)
    if not len(examples):
        return []
    if not isinstance(examples, np.ndarray):
        return [_digest(_content(example)) for example in examples]
    if examples.dtype.kind not in NUMBERS:
        return [_digest(_content(example)) for example in examples.tolist()]
    rows = examples.reshape(len(examples), -1)  # (N, numbers)
    order = np.argsort(np.array(columns), kind="stable") if columns else slice(None)
    step = max(_BLOCK // max(rows.shape[1], 1), 1)
    blocks = (rows[start : start + step, order] for start in range(0, len(rows), step))
    return [_digest(content) for block in blocks for content in _contents(block)]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]


def _array(tensor: Tensor) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    # NumPy has no type for the short floats of PyTorch.
    is_short = tensor.is_floating_point() and tensor.itemsize < 4
    array: NDArray[Any] = (tensor.float() if is_short else tensor).numpy()
    return array


def _contents(rows: NDArray[Any]) -> list[bytes]:
    """Return the content of rows of numbers, (N, numbers), whatever their type is."""
    if rows.dtype.kind in ("b", "u") and rows.itemsize == 1:
        return [b"u" + row.tobytes() for row in rows]
    numbers = _numbers(rows)
    with np.errstate(invalid="ignore"):
        small = numbers.astype(np.uint8)
    return [
        b"u" + few.tobytes() if np.array_equal(few, row) else b"f" + row.tobytes()
        for row, few in zip(numbers, small, strict=True)
    ]


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers in the same form, whatever their type was."""
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
        values = values.reshape(len(values), -1)
    if values.dtype.kind in "mM":
        values = values.astype(f"{values.dtype.kind}8[ns]").astype(np.int64)
    exact = values.astype(np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = exact.astype(np.float32).astype(np.float64)
        size = np.abs(exact)
        # Out of this range, float32 does not hold all whole or all tiny numbers.
        keep = (size > 2**24) | (size < 1e-30)
    # Zero has a sign, and what is not a number has many forms.
    same = np.where(keep, exact, rounded) + 0.0
    same[np.isnan(same)] = np.nan
    if values.dtype.kind in "iu" and values.itemsize == 8:
        large = size > 2**53  # more digits than floats have
        same.view(np.int64)[large] = values.astype(np.int64)[large]
    return same


def _content(example: Any) -> bytes:
    """Return the content of a single example, whatever it is made of."""
    if isinstance(example, str):
        return b"s" + example.encode("utf-8", "surrogatepass")
    if isinstance(example, bytes | bytearray):
        return b"b" + bytes(example)
    if example is None:
        return b"none"
    if isinstance(example, date):
        return b"t" + example.isoformat().encode()
    if isinstance(example, Set):
        return b"e" + b"".join(map(_sized, sorted(map(_content, example))))
    if isinstance(example, Mapping):
        pairs = sorted((str(name), _content(part)) for name, part in example.items())
        return b"d" + b"".join(_sized(name.encode()) + _sized(p) for name, p in pairs)
    if hasattr(example, "detach"):
        example = _array(example)
    if not isinstance(example, Sequence) or _is_nested_numbers(example):
        numbers = np.asarray(example)
        if numbers.dtype.kind in NUMBERS:
            return _contents(numbers.reshape(1, -1))[0]
    if isinstance(example, Sequence | np.ndarray):
        return b"l" + b"".join(_sized(_content(part)) for part in example)
    raise TypeError(f"the content of {type(example).__name__} has no digest")


def _is_nested_numbers(parts: Sequence[Any]) -> bool:
    """Return whether all parts are numbers, or arrays of numbers of one size."""
    if all(isinstance(part, int | float | complex) for part in parts):
        return True
    lengths = {len(part) if isinstance(part, list | tuple) else -1 for part in parts}
    if len(lengths) > 1 or -1 in lengths:
        return False
    return all(map(_is_nested_numbers, parts))


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(8, "big") + content


@dataclass(frozen=True)
class SplitRule:
    """Places each example in a split by a hash of its key, so that it stays there.

    The key is the group of an example where groups are given, or else its content.

    Attributes:
        salt: Text that is hashed with the key. Another salt is another split.
        fractions: Of the examples in each split, by its name; their sum is 1. The last
            ones keep their examples if the fraction of the first changes.
    """

    salt: str
    fractions: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse fractions that are no fractions."""
        good = all(0 < fraction < 1 for fraction in self.fractions.values())
        if not good or abs(sum(self.fractions.values()) - 1) > 1e-9:
            raise UserError(
                f"the fractions of the splits are {dict(self.fractions)}: each must be "
                "above 0, and their sum 1"
            )

    def split_of(self, key: str) -> str:
        """Return the name of the split of an example or group.

        Args:
            key: Its digest or name.

        Returns:
            A name in `fractions`.

        Examples:
            >>> rule = SplitRule("2022", {"train": 0.6, "val": 0.2, "test": 0.2})
            >>> [rule.split_of(patient) for patient in ("Ada", "Bo", "Cy")]
            ['val', 'val', 'train']
        """
        content = hashlib.sha256(f"{self.salt}:{key}".encode()).digest()
        left = int.from_bytes(content[:8], "big") / 2**64  # from 0 to 1, evenly
        first, *others = self.fractions
        for name in reversed(others):
            left -= self.fractions[name]
            if left < 0:
                return name
        return first

    def assign(
        self,
        digests: Sequence[str],
        labels: Sequence[Any] | NDArray[Any] | Tensor,
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> dict[str, list[int]]:
        """Divide examples.

        Of examples with equal content, only the first is kept. If their labels differ,
        a warning names them: some are wrong.

        Args:
            digests: Of the content of N examples.
            labels: N labels of any kind.
            classes: The name of the class of each, of which each split has some.
            groups: What each belongs to, if several examples must stay together: a
                patient, an author. The id of an example is a group of one.

        Returns:
            Sorted row numbers by the name of the split, disjoint.

        Raises:
            UserError: There are no examples, a split or a class in a split has none,
                or two splits have equal content.
        """
        if not len(digests):
            raise UserError("there are no examples")
        keys = digests if groups is None else group_names(groups)
        if len(keys) != len(digests):
            raise UserError(f"there are {len(keys)} groups of {len(digests)} examples")
        first: dict[str, int] = {}
        for row, digest in enumerate(digests):
            first.setdefault(digest, row)
        split_of = {key: self.split_of(key) for key in {*keys}}
        self._refuse_leaks(digests, keys, first, split_of)
        _warn_of_label_noise(digests, labels, first)
        rows_of: dict[str, list[int]] = {name: [] for name in self.fractions}
        for row in first.values():
            rows_of[split_of[keys[row]]].append(row)
        self._refuse_gaps(rows_of, classes or [""] * len(digests))
        return rows_of

    def _refuse_leaks(
        self,
        digests: Sequence[str],
        keys: Sequence[str],
        first: Mapping[str, int],
        split_of: Mapping[str, str],
    ) -> None:
        """Raise an error if copies of an example are in two splits."""
        for row, digest in enumerate(digests):
            one, other = keys[first[digest]], keys[row]
            if split_of[one] != split_of[other]:
                raise UserError(
                    f"{one} in {split_of[one]} and {other} in {split_of[other]} have "
                    f"examples of equal content ({digest}): give them one group, or "
                    f"split by content ({PAGE})"
                )

    def _refuse_gaps(
        self, rows_of: Mapping[str, Sequence[int]], classes: Sequence[str]
    ) -> None:
        """Raise an error if a split, or a class in a split, has no examples."""
        known = dict.fromkeys(classes)  # in the order of the data
        for name, rows in rows_of.items():
            there = {classes[row] for row in rows}
            missing = [each for each in known if each not in there]
            if not missing:
                continue
            what = f"examples of class {missing[0]}" if rows else "examples"
            raise UserError(
                f"there are no {what} in the split {name}: with so few, take smaller "
                f"groups, a larger fraction, another salt, or a fixed list ({PAGE})"
            )


def _warn_of_label_noise(
    digests: Sequence[str],
    labels: Sequence[Any] | NDArray[Any] | Tensor,
    first: Mapping[str, int],
) -> None:
    """Warn of examples with equal content and different labels."""
    noisy = dict.fromkeys(
        digest
        for row, digest in enumerate(digests)
        if (one := first[digest]) != row
        if _content(labels[row]) != _content(labels[one])
    )
    if noisy:
        some = ", ".join([*noisy][:3])
        warnings.warn(
            f"{len(noisy)} examples are there twice with different labels, and the "
            f"first label counts: {some}",
            stacklevel=3,
        )


def group_names(groups: Sequence[Any]) -> list[str]:
    """Return the names of groups as text: 3 and 3.0 are the same.

    Args:
        groups: Of N examples.

    Returns:
        N names.

    Raises:
        UserError: A group is missing.
    """
    names = []
    for row, group in enumerate(groups):
        if group is None or group != group:
            raise UserError(f"example {row} has no group: give it one of its own")
        number = isinstance(group, float | np.floating) and group == int(group)
        names.append(str(int(group) if number else group))
    return names


def largest_class_deviation(
    keys: Mapping[str, Sequence[str]],
    classes: Mapping[str, Tensor],
    rule: SplitRule | None = None,
) -> tuple[float, str]:
    """Return how far the number of examples of a class is from its share, at most.

    Args:
        keys: What decides the split of each example, its group or content, by split.
        classes: The class of each, shape (N,), by split.
        rule: Has the fractions of the splits; by default, they are as found.

    Returns:
        The difference from the share in all data, in standard deviations of a random
        split; and where it is.

    Examples:
        >>> keys = {"train": ["a", "b"], "test": ["c", "d"]}
        >>> classes = {"train": np.array([0, 1]), "test": np.array([1, 0])}
        >>> largest_class_deviation(keys, classes)
        (0.0, '1 of class 0 in train')
    """
    known = {name: np.asarray(index).tolist() for name, index in classes.items()}
    sizes = Counter(p for n in keys for p in zip(keys[n], known[n], strict=True))
    counts: Counter[int] = Counter()
    squares: Counter[int] = Counter()
    for (_, index), size in sizes.items():
        counts[index] += size
        squares[index] += size**2
    found = []
    for name, there in known.items():
        share, here = len(there) / counts.total(), Counter(there)
        if rule is not None:
            share = rule.fractions[name]
        for index, count in counts.items():
            deviation = (share * (1 - share) * squares[index]) ** 0.5
            far = abs(here[index] - share * count) / (deviation or 1)
            found.append((far, f"{here[index]} of class {index} in {name}"))
    return max(found, key=lambda pair: pair[0])


def moved(
    before: Mapping[str, str], now: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Find the examples that are in another split than before.

    Args:
        before: The split of each example by its digest.
        now: The same of today.

    Returns:
        Digests by the split before and the split now.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for digest, split in before.items():
        if now.get(digest, split) != split:
            found.setdefault((split, now[digest]), []).append(digest)
    return found


def describe_moved(found: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """Return in a line how many examples moved, and an example of each move."""
    return ", ".join(
        f"{len(digests)} from {before} to {now} (such as {digests[0]})"
        for (before, now), digests in sorted(found.items())
    )


def places(splits: Mapping[str, Any]) -> dict[str, str]:
    """Return the split of each example by its digest."""
    return {digest: name for name, data in splits.items() for digest in data.digests()}
