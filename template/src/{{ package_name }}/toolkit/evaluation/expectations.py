"""Expectations of a single example, the same for the data and for requests."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor


class Range(NamedTuple):
    """The expected range of values.

    Attributes:
        low: The lowest.
        high: The highest.
        mostly: The fraction of the data that must be in between, from 0 to 1.
    """

    low: float
    high: float
    mostly: float = 1


def out_of_range(
    attributes: Mapping[str, Tensor], ranges: Mapping[str, Range]
) -> list[list[str]]:
    """Find the attributes of N examples that are out of their range.

    Args:
        attributes: Numbers by the name of the attribute, shape (N,) each.
        ranges: Expected ranges by the name of the attribute.

    Returns:
        Sentences for each example; none where all attributes are in range.

    Examples:
        >>> import torch
        >>> size = torch.tensor([3.0, 12.5])
        >>> out_of_range({"size": size}, {"size": Range(1, 10)})
        [[], ['size is 12.5, expected from 1 to 10']]
    """
    sentences: list[list[str]] = [[] for _ in next(iter(attributes.values()))]
    for name, (low, high, _) in ranges.items():
        expected = f"expected from {low:.4g} to {high:.4g}"
        for found, value in zip(sentences, attributes[name].tolist(), strict=True):
            # Written so that nan is out of range, too.
            if not low <= value <= high:
                found.append(f"{name} is {value:.4g}, {expected}")
    return sentences
