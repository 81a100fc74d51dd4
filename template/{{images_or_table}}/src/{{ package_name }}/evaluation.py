"""Evaluation: predictions and losses of a model for each example.

Averages hide the errors of single examples, so the loss of each example is
stored, and the averages are computed from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import CLASSES
from .toolkit.errors import UserError


class Prediction(NamedTuple):
    """The most likely class and its probability, from 0 to 1."""

    label: str
    confidence: float

    def __str__(self) -> str:
        """Return the prediction as text."""
        return f"{self.label} ({self.confidence:.1%})"


@dataclass(frozen=True)
class Evaluation:
    """Predictions and losses of N examples, in the order of the data.

    Attributes:
        labels: True classes, shape (N,).
        predictions: Predicted classes, shape (N,).
        confidences: Probabilities of the predicted classes, shape (N,).
        losses: Cross-entropies in nats, shape (N,).
    """

    labels: Tensor
    predictions: Tensor
    confidences: Tensor
    losses: Tensor

    @property
    def correct(self) -> Tensor:
        """Whether each prediction is correct, shape (N,)."""
        return self.predictions == self.labels

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions, from 0 to 1."""
        return self.correct.double().mean().item()

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return self.losses.double().mean().item()

    def metrics(self) -> dict[str, float]:
        """Return the averages by name."""
        return {"accuracy": self.accuracy, "loss": self.loss}

    def describe_example(self, row: int) -> dict[str, str]:
        """Return the fields of one example for reports, as text by name."""
        return {
            "label": label_name(self.labels[row]),
            "prediction": label_name(self.predictions[row]),
            "confidence": f"{self.confidences[row]:.4f}",
            "loss": f"{self.losses[row]:.4f}",
        }


def label_name(label: Tensor) -> str:
    """Name a label or a prediction, an index ()."""
    return CLASSES[label]


def parse_label(text: str) -> Tensor:
    """Return the label () of a name; one that is none is a `UserError`."""
    if text not in CLASSES:
        raise UserError(f"{text!r} is no label: they are {', '.join(CLASSES)}")
    return torch.tensor(CLASSES.index(text))


def interpret(logits: Tensor) -> list[Prediction]:
    """Convert outputs of the network to predictions.

    Args:
        logits: Output of the network, shape (B, C).

    Returns:
        A prediction per example.
    """
    confidences, predictions = _most_likely(logits)
    return [
        Prediction(label_name(prediction), confidence.item())
        for prediction, confidence in zip(predictions, confidences, strict=True)
    ]


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each example, which training minimizes.

    Args:
        logits: Output of the network, shape (B, C).
        labels: True classes, shape (B,).

    Returns:
        Cross-entropies in nats, shape (B,).
    """
    return F.cross_entropy(logits, labels, reduction="none")


def score(logits: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate a batch: compare outputs of the network with labels.

    Args:
        logits: Output of the network, shape (B, C).
        labels: True classes, shape (B,).

    Returns:
        The evaluation of the batch, without gradients, on the CPU.

    Examples:
        >>> logits = torch.eye(3)[:2] * 100
        >>> score(logits, torch.tensor([0, 2])).predictions
        tensor([0, 1])
        >>> score(logits, torch.tensor([0, 2])).accuracy
        0.5
    """
    # In float32 for any precision of training, as losses are compared closely.
    logits, labels = logits.detach().float().cpu(), labels.detach().cpu()
    confidences, predictions = _most_likely(logits)  # (B,), (B,)
    losses = example_losses(logits, labels)  # (B,)
    return Evaluation(labels, predictions, confidences, losses)


def _most_likely(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits.softmax(dim=1).max(dim=1)


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the evaluations of successive batches."""
    return Evaluation(
        labels=torch.cat([part.labels for part in parts]),
        predictions=torch.cat([part.predictions for part in parts]),
        confidences=torch.cat([part.confidences for part in parts]),
        losses=torch.cat([part.losses for part in parts]),
    )
