"""Is it said what is unusual about an example?"""

import torch

from digit_recognizer.toolkit.evaluation.expectations import Range, out_of_range

RANGES = {"size": Range(1, 10), "weight": Range(0.5, 1000, mostly=0.9)}


def test_each_example_has_its_own_remarks() -> None:
    """In the order of the examples; the limits themselves are usual."""
    size, weight = torch.tensor([1.0, 10.01, 0]), torch.tensor([1000.0, 0.5, 1234.5])
    assert out_of_range({"size": size, "weight": weight}, RANGES) == [
        [],
        ["size is 10.01, expected from 1 to 10"],
        [
            "size is 0, expected from 1 to 10",
            "weight is 1234, expected from 0.5 to 1000",
        ],
    ]


def test_what_is_no_number_is_unusual() -> None:
    """It would pass any comparison that asks for too much or too little."""
    size = torch.tensor([torch.nan, torch.inf])
    remarks = out_of_range({"size": size, "weight": torch.ones(2)}, RANGES)
    assert [line for (line,) in remarks] == [
        "size is nan, expected from 1 to 10",
        "size is inf, expected from 1 to 10",
    ]


def test_attributes_without_a_range_are_not_judged() -> None:
    """They describe, and nothing is expected of them."""
    more = {"size": torch.ones(1), "weight": torch.ones(1), "age": torch.zeros(1)}
    assert out_of_range(more, RANGES) == [[]]
