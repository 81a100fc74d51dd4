"""Evaluation: predictions and losses of a model for each example."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import DIGITS, Label
from .toolkit.errors import UserError

NONE = "none"  # the name of the empty set


class Prediction(NamedTuple):
    """The most likely set of digits and its probability, from 0 to 1."""

    label: str
    confidence: float

    def __str__(self) -> str:
        """Return the prediction as text."""
        return f"{self.label} ({self.confidence:.1%})"


@dataclass(frozen=True)
class Evaluation:
    """Predictions and losses of N examples, in the order of the data.

    Attributes:
        labels: True sets.
        predictions: Predicted sets.
        confidences: Probabilities of the predicted sets, shape (N,).
        losses: Mean cross-entropies of the ten digits in nats, shape (N,).
    """

    labels: list[Label]
    predictions: list[Label]
    confidences: Tensor
    losses: Tensor

    @property
    def errors(self) -> Tensor:
        """How many digits are missing or too many, shape (N,)."""
        pairs = zip(self.predictions, self.labels, strict=True)
        return torch.tensor([float(len(one ^ other)) for one, other in pairs])

    @property
    def correct(self) -> Tensor:
        """Whether the whole set is right, shape (N,)."""
        return self.errors == 0

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions, from 0 to 1."""
        return self.correct.double().mean().item()

    @property
    def loss(self) -> float:
        """Mean loss in nats."""
        return self.losses.double().mean().item()

    def metrics(self) -> dict[str, float]:
        """Return the averages by name."""
        wrong = self.errors.double().mean().item()
        return {"accuracy": self.accuracy, "loss": self.loss, "wrong_digits": wrong}

    def describe_example(self, row: int) -> dict[str, str]:
        """Return the fields of one example for reports, as text by name."""
        return {
            "label": label_name(self.labels[row]),
            "prediction": label_name(self.predictions[row]),
            "confidence": f"{self.confidences[row]:.4f}",
            "loss": f"{self.losses[row]:.4f}",
        }


def label_name(label: Label) -> str:
    """Name a set of digits, such as 1+4+7."""
    return "+".join(map(str, sorted(label))) or NONE


def parse_label(text: str) -> Label:
    """Return the set of a name; a text that names none is a `UserError`."""
    parts = [] if text == NONE else text.split("+")
    if not {*parts} <= {*map(str, range(DIGITS))}:
        raise UserError(f"{text!r} is no label: write digits as 1+4+7, or {NONE}")
    return frozenset(map(int, parts))


def interpret(logits: Tensor) -> list[Prediction]:
    """Convert outputs (B, 10) of the network to predictions."""
    pairs = zip(_sets(logits > 0), _confidences(logits).tolist(), strict=True)
    return [Prediction(label_name(label), confidence) for label, confidence in pairs]


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the digits in nats, which training minimizes.

    Args:
        logits: Outputs of the network, shape (B, 10).
        labels: Targets, shape (B, 10).

    Returns:
        Losses, shape (B,).
    """
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return losses.mean(dim=1)


def score(logits: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate a batch: compare outputs with targets, (B, 10) each, on the CPU."""
    logits, labels = logits.detach().float().cpu(), labels.detach().cpu()
    return Evaluation(
        labels=_sets(labels > 0.5),
        predictions=_sets(logits > 0),
        confidences=_confidences(logits),
        losses=example_losses(logits, labels),
    )


def _sets(chosen: Tensor) -> list[Label]:
    """Return the set of each row of bool (B, 10)."""
    rows = chosen.tolist()
    return [frozenset(digit for digit, yes in enumerate(row) if yes) for row in rows]


def _confidences(logits: Tensor) -> Tensor:
    """Return the probabilities (B,) of the most likely sets."""
    return logits.abs().sigmoid().prod(dim=1)


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the evaluations of successive batches."""
    return Evaluation(
        labels=[label for part in parts for label in part.labels],
        predictions=[label for part in parts for label in part.predictions],
        confidences=torch.cat([part.confidences for part in parts]),
        losses=torch.cat([part.losses for part in parts]),
    )
