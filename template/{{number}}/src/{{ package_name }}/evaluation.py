"""Evaluation: predictions and losses of a model for each example.

Averages hide the errors of single examples, so the loss of each example is
stored, and the averages are computed from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .data import TOLERANCE
from .toolkit.errors import UserError

# The network predicts these quantiles: the range between the first and the last holds
# nine of ten labels.
QUANTILES = (0.05, 0.5, 0.95)


class Prediction(NamedTuple):
    """The most likely number, and a range that holds nine of ten."""

    number: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the prediction as text."""
        return f"{self.number:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Evaluation:
    """Predictions and losses of N examples, in the order of the data.

    Attributes:
        labels: True numbers, shape (N,).
        predictions: Predicted numbers, shape (N,).
        low: Lower ends of the ranges around them, shape (N,).
        high: Upper ends, shape (N,).
        losses: Quantile losses, in the unit of the labels, shape (N,).
    """

    labels: Tensor
    predictions: Tensor
    low: Tensor
    high: Tensor
    losses: Tensor

    @property
    def errors(self) -> Tensor:
        """How far each prediction is from its label, shape (N,)."""
        return (self.predictions - self.labels).abs()

    @property
    def correct(self) -> Tensor:
        """Whether each prediction is off by at most `TOLERANCE`, shape (N,)."""
        return self.errors <= TOLERANCE

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions, from 0 to 1."""
        return self.correct.double().mean().item()

    @property
    def coverage(self) -> float:
        """Fraction of labels in the range around their prediction: near 0.9."""
        inside = (self.low <= self.labels) & (self.labels <= self.high)  # (N,)
        return inside.double().mean().item()

    @property
    def error(self) -> float:
        """Mean absolute error, in the unit of the labels."""
        return self.errors.double().mean().item()

    @property
    def loss(self) -> float:
        """Mean quantile loss, in the unit of the labels."""
        return self.losses.double().mean().item()

    def metrics(self) -> dict[str, float]:
        """Return the averages by name."""
        names = ("accuracy", "coverage", "error", "loss")
        return {name: getattr(self, name) for name in names}

    def describe_example(self, row: int) -> dict[str, str]:
        """Return the fields of one example for reports, as text by name."""
        return {
            "label": label_name(self.labels[row]),
            "prediction": label_name(self.predictions[row]),
            "range": f"{self.low[row]:.4g} to {self.high[row]:.4g}",
            "loss": f"{self.losses[row]:.4f}",
        }


def label_name(label: Tensor) -> str:
    """Name a label or a prediction, a number ()."""
    return f"{label:.4g}"


def parse_label(text: str) -> Tensor:
    """Return the label () that a text names; one that is no number is a `UserError`."""
    try:
        label = torch.tensor(float(text))
    except ValueError:
        label = torch.tensor(torch.nan)
    if not label.isfinite():  # also what float32 cannot hold
        raise UserError(f"{text!r} is no label: it is a number such as 152")
    return label


def interpret(outputs: Tensor) -> list[Prediction]:
    """Convert outputs of the network to predictions.

    Args:
        outputs: Quantiles, shape (B, 3).

    Returns:
        A prediction per example.
    """
    return [Prediction(middle, low, high) for low, middle, high in outputs.tolist()]


def example_losses(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each example, which training minimizes.

    A quantile of 0.95 has its least mean loss where 95 % of the labels are below it
    (Koenker and Bassett, Econometrica, 1978).

    Args:
        outputs: Quantiles, shape (B, 3).
        labels: True numbers, shape (B,).

    Returns:
        Means over the three quantile losses, in the unit of the labels, shape (B,).
    """
    above = labels[:, None] - outputs  # (B, 3)
    levels = outputs.new_tensor(QUANTILES)  # (3,)
    return torch.maximum(levels * above, (levels - 1) * above).mean(dim=1)


def score(outputs: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate a batch: compare outputs of the network with labels.

    Args:
        outputs: Quantiles, shape (B, 3).
        labels: True numbers, shape (B,).

    Returns:
        The evaluation of the batch, without gradients, on the CPU.

    Examples:
        >>> quantiles = torch.tensor([[100.0, 150.0, 200.0]])
        >>> score(quantiles, torch.tensor([160.0])).errors
        tensor([10.])
        >>> score(quantiles, torch.tensor([210.0])).coverage
        0.0
    """
    # In float32 for any precision of training, as losses are compared closely.
    outputs, labels = outputs.detach().float().cpu(), labels.detach().cpu()
    low, predictions, high = outputs.unbind(dim=1)  # (B,) each
    losses = example_losses(outputs, labels)  # (B,)
    return Evaluation(labels, predictions, low, high, losses)


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the evaluations of successive batches."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Evaluation(*map(torch.cat, columns))
