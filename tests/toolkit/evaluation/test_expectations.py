"""Are values outside their expected range reported?"""

import torch

from digit_recognizer.toolkit.evaluation.predict import Range, out_of_range

RANGES = {"size": Range(1, 10), "weight": Range(0.5, 1000, mostly=0.9)}


def test_warnings_are_listed_per_example() -> None:
    """The limits of a range are part of it."""
    size, weight = torch.tensor([1.0, 10.01, 0]), torch.tensor([1000.0, 0.5, 1234.5])
    assert out_of_range({"size": size, "weight": weight}, RANGES) == [
        [],
        ["size is 10.01, expected from 1 to 10"],
        [
            "size is 0, expected from 1 to 10",
            "weight is 1234, expected from 0.5 to 1000",
        ],
    ]


def test_nonfinite_values_are_out_of_range() -> None:
    """Values of nan and infinity are reported."""
    size = torch.tensor([torch.nan, torch.inf])
    warnings = out_of_range({"size": size, "weight": torch.ones(2)}, RANGES)
    assert [line for (line,) in warnings] == [
        "size is nan, expected from 1 to 10",
        "size is inf, expected from 1 to 10",
    ]


def test_attributes_without_a_range_are_not_checked() -> None:
    """An attribute without a range causes no warning."""
    more = {"size": torch.ones(1), "weight": torch.ones(1), "age": torch.zeros(1)}
    assert out_of_range(more, RANGES) == [[]]
