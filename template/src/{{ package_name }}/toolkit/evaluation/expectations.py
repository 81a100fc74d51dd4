"""Expectations of a single example, the same for the data and for what users send."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor


class Range(NamedTuple):
    """Where values are expected.

    Attributes:
        low: The lowest.
        high: The highest.
        mostly: The share of the data that must be in between, from 0 to 1.
    """

    low: float
    high: float
    mostly: float = 1


def unusual(
    attributes: Mapping[str, Tensor], ranges: Mapping[str, Range]
) -> list[list[str]]:
    """Say what is unlike the data in each of N examples.

    Args:
        attributes: What describes them, by name, each of shape (N,).
        ranges: What is expected, by the name of the attribute.

    Returns:
        Sentences for each example; none where all is as expected.

    Examples:
        >>> import torch
        >>> size = torch.tensor([3.0, 12.5])
        >>> unusual({"size": size}, {"size": Range(1, 10)})
        [[], ['size is 12.5, and usually from 1 to 10']]
    """
    remarks: list[list[str]] = [[] for _ in next(iter(attributes.values()))]
    for name, (low, high, _) in ranges.items():
        usually = f"and usually from {low:.4g} to {high:.4g}"
        for remark, value in zip(remarks, attributes[name].tolist(), strict=True):
            # What is no number is not in between, either.
            if not low <= value <= high:
                remark.append(f"{name} is {value:.4g}, {usually}")
    return remarks
