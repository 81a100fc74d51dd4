"""Evaluation: predictions and losses of a model for each example.

Averages hide the errors of single examples, so the loss of each example is
stored, and the averages are computed from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import BLANK, CHARACTERS, Texts, decode, encode
from .toolkit.errors import UserError

EMPTY = "(empty)"  # the name of a text without characters


class Prediction(NamedTuple):
    """The most likely text and its probability, from 0 to 1."""

    text: str
    confidence: float

    def __str__(self) -> str:
        """Return the prediction as text."""
        return f"{label_name(self.text)} ({self.confidence:.1%})"


@dataclass(frozen=True)
class Evaluation:
    """Predictions and losses of N examples, in the order of the data.

    Attributes:
        labels: N true texts.
        predictions: N predicted texts.
        confidences: Probabilities of the predicted texts, shape (N,).
        losses: Negative log-likelihoods of the true texts in nats, shape (N,).
    """

    labels: list[str]
    predictions: list[str]
    confidences: Tensor
    losses: Tensor

    @property
    def correct(self) -> Tensor:
        """Whether each line is fully correct, shape (N,)."""
        pairs = zip(self.predictions, self.labels, strict=True)
        return torch.tensor([one == other for one, other in pairs], dtype=torch.bool)

    @property
    def errors(self) -> Tensor:
        """Edit distances from the predictions to the labels, shape (N,)."""
        pairs = zip(self.predictions, self.labels, strict=True)
        return torch.tensor([float(edit_distance(*pair)) for pair in pairs])

    @property
    def accuracy(self) -> float:
        """Fraction of lines that are fully correct, from 0 to 1."""
        return self.correct.double().mean().item()

    @property
    def character_error_rate(self) -> float:
        """Sum of the edit distances, relative to the number of characters."""
        return self.errors.double().sum().item() / max(sum(map(len, self.labels)), 1)

    @property
    def loss(self) -> float:
        """Mean negative log-likelihood of a text in nats."""
        return self.losses.double().mean().item()

    def metrics(self) -> dict[str, float]:
        """Return the averages by name."""
        names = ("accuracy", "character_error_rate", "loss")
        return {name: getattr(self, name) for name in names}

    def describe_example(self, row: int) -> dict[str, str]:
        """Return the fields of one example for reports, as text by name."""
        return {
            "label": label_name(self.labels[row]),
            "prediction": label_name(self.predictions[row]),
            "confidence": f"{self.confidences[row]:.4f}",
            "loss": f"{self.losses[row]:.4f}",
        }


def edit_distance(one: str, other: str) -> int:
    """Count the characters to insert, delete or replace.

    Computed row by row (Wagner and Fischer, Journal of the ACM, 1974).

    Args:
        one: A text.
        other: What it becomes.

    Returns:
        The least number of changes.

    Examples:
        >>> edit_distance("0596", "596"), edit_distance("0596", "0896")
        (1, 1)
    """
    distances = [*range(len(other) + 1)]  # from the empty text
    for row, here in enumerate(one):
        before, distances = distances, [row + 1]
        for column, there in enumerate(other):
            replaced = before[column] + (here != there)
            changed = min(before[column + 1], distances[column]) + 1
            distances.append(min(replaced, changed))
    return distances[-1]


def label_name(label: str) -> str:
    """Name a label or a prediction: the text, or `EMPTY`."""
    return label or EMPTY


def parse_label(text: str) -> str:
    """Return the label of a name; one that is none is a `UserError`."""
    label = "" if text == EMPTY else text
    if not {*label} <= {*CHARACTERS} or not text:
        some = CHARACTERS[:4]
        raise UserError(
            f"{text!r} is no label: it is made of {CHARACTERS}, as {some}, or {EMPTY}"
        )
    return label


def interpret(logits: Tensor) -> list[Prediction]:
    """Convert outputs of the network to predictions.

    Args:
        logits: Output of the network, shape (B, T, C).

    Returns:
        A prediction per example.
    """
    texts, confidences = _most_likely(logits.float())
    return [*map(Prediction, texts, confidences.tolist())]


def example_losses(logits: Tensor, labels: Texts) -> Tensor:
    """Return the loss of each example, which training minimizes.

    It is connectionist temporal classification, the likelihood of the text over all
    ways to place its characters (Graves et al., ICML 2006).

    Args:
        logits: Output of the network, shape (B, T, C).
        labels: True texts.

    Returns:
        Negative log-likelihoods in nats, shape (B,).
    """
    steps = logits.log_softmax(dim=2).transpose(0, 1)  # (T, B, C)
    ends = torch.full_like(labels.lengths, len(steps))  # (B,)
    return F.ctc_loss(
        steps, labels.characters, ends, labels.lengths, BLANK, reduction="none"
    )


def score(logits: Tensor, labels: Texts) -> Evaluation:
    """Evaluate a batch: compare outputs of the network with labels.

    Args:
        logits: Output of the network, shape (B, T, C).
        labels: True texts.

    Returns:
        The evaluation of the batch, without gradients, on the CPU.

    Examples:
        >>> logits = torch.zeros(1, 3, 11)
        >>> logits[0, [0, 1, 2], [4, 0, 4]] = 100
        >>> score(logits, encode(["33"])).predictions
        ['33']
        >>> score(logits, encode(["43"])).character_error_rate
        0.5
    """
    # In float32 for any precision of training, as losses are compared closely.
    logits = logits.detach().float().cpu()  # (B, T, C)
    labels = Texts(*(part.detach().cpu() for part in labels))
    texts, confidences = _most_likely(logits)
    losses = example_losses(logits, labels)  # (B,)
    return Evaluation(decode(labels), texts, confidences, losses)


def _most_likely(logits: Tensor) -> tuple[list[str], Tensor]:
    """Return the text of the best class in each column, and its probability."""
    best = logits.argmax(dim=2).tolist()  # (B, T)
    texts = [
        "".join(CHARACTERS[key - 1] for key, _ in groupby(row) if key != BLANK)
        for row in best
    ]
    labels = Texts(*(part.to(logits.device) for part in encode(texts)))
    return texts, (-example_losses(logits, labels)).exp()


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """Join the evaluations of successive batches."""
    return Evaluation(
        labels=[label for part in parts for label in part.labels],
        predictions=[text for part in parts for text in part.predictions],
        confidences=torch.cat([part.confidences for part in parts]),
        losses=torch.cat([part.losses for part in parts]),
    )
