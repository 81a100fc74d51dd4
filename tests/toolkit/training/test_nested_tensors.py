"""Are tensors found in batches of any kind?"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from digit_recognizer.toolkit.training import batch_size, tensors


@dataclass(slots=True)
class Part:
    """A part of a batch, without a dictionary of its attributes."""

    x: Tensor


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (torch.zeros(5, 2), 5),
        ([torch.zeros(()), torch.zeros(5)], 5),
        ({"x": {"y": torch.zeros(5)}}, 5),
        (Part(torch.zeros(5)), 5),
        (SimpleNamespace(name="a", parts=[Part(torch.zeros(5))]), 5),
        (["one", "two"], 2),
        (3, 1),
    ],
)
def test_size_of_a_batch(batch: Any, size: int) -> None:
    """The first tensor with an axis says it, else the length of the batch."""
    assert batch_size(batch) == size


def test_weights_and_cycles_are_no_part_of_a_batch() -> None:
    """Layers are not searched, and an object may refer to itself."""
    itself: Any = SimpleNamespace(x=torch.zeros(2), layer=nn.Linear(2, 2))
    itself.itself = itself
    assert [*tensors([itself, nn.Linear(2, 2)])] == [itself.x]
