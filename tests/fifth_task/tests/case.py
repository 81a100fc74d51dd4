"""What the checks need to know of this task."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from digit_recognizer.data import Examples
from tests.helpers.case import TaskCase


class StripsCase(TaskCase):
    """Strips of digits, each with the set of its digits."""

    first_loss = math.log(2)  # nats: each digit is as likely to occur as not
    first_loss_tolerance = 0.1
    min_accuracy = 0.6  # in production, on labelled requests
    # Least part of the loss, or of the errors, that the production model saves against
    # the baseline.
    least_gain = 0.1

    def loss_by_formula(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Compute the mean cross-entropy (B,) of outputs and targets (B, 10)."""
        wrong = outputs.double() * (1 - 2 * labels)  # (B, 10), high if it is wrong
        return wrong.exp().log1p().mean(dim=1)

    def is_correct(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return for which outputs (B, 10) the whole set is right, shape (B,)."""
        return ((outputs > 0) == (labels > 0.5)).all(dim=1)

    def without_padding(self, parts: Sequence[Tensor]) -> Sequence[Tensor]:
        """Cut the digits (K, 8, 8) of an example to its length ()."""
        digits, length, *rest = parts
        return [digits[: int(length)], length, *rest]

    def of_another_domain(self, data: Examples) -> Examples:
        """Return strips upside down: a test of fine-tuning uses them."""
        raw = [strip.flip(0) for strip in data.raw]
        return Examples(raw, data.labels, data.blocks, data.sources)

    def simple_baseline(self, train: Examples, data: Examples) -> Tensor:
        """Predict the most frequent set of digits."""
        ((most, _),) = Counter(train.labels).most_common(1)
        return torch.tensor([label == most for label in data.labels])


CASE = StripsCase()
