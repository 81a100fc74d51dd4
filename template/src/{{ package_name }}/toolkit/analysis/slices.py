"""Slices: groups of similar examples on which the model is often wrong.

They are found without metadata, as components of a mixture model of the embedding, the
label and the prediction of an example: Domino (Eyuboglu and others, International
Conference on Learning Representations, 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from .. import figures, paths
from ..errors import UserError
from ..evaluation import Suite, SuiteExample, initial_min_accuracy, write_suite
from ..interface import Evaluation, classes, optional, task

SHOWN = 5  # examples of each slice in the picture
MIN_SIZE = 5  # in fewer examples, similarity is not significant
MAX_ERRORS = 100  # kinds of them at the start, to limit the memory
DIMENSIONS = 16  # of an embedding, after principal component analysis
ROUNDS = 100
DIFFERENCES = 3  # in a description
MIN_DISTANCE = 0.5  # standard deviations; smaller differences are not reported


@dataclass(frozen=True)
class Slice:
    """A group of examples that was found.

    Attributes:
        rows: Of its examples, the most typical first.
        wrong: How many of them are predicted wrongly.
        description: How they differ from all others.
    """

    rows: list[int]
    wrong: int
    description: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.wrong} of {len(self.rows)} are wrong; {self.description}"


def find_slices(
    embeddings: Tensor, evaluation: Evaluation, columns: Mapping[str, Tensor]
) -> list[Slice]:
    """Find groups of similar examples with a high error rate.

    Args:
        embeddings: Of each example, shape (N, D).
        evaluation: Of the same examples; with an attribute `confidences`, shape (N,)
            and from 0 to 1, if the model has them.
        columns: Attributes, shape (N,) each, by name.

    Returns:
        Those with at least two errors and a higher error rate than all examples, the
        highest rate first.
    """
    fit = _mixture(_reduce(embeddings), evaluation)  # (N, S)
    examples = F.one_hot(fit.argmax(dim=1), fit.shape[1])  # (N, S)
    sizes = examples.sum(dim=0)  # (S,)
    errors = examples[~evaluation.correct].sum(dim=0)  # (S,)
    usual = (~evaluation.correct).double().mean()
    # One is added so that of two groups with errors only, the larger comes first.
    order = (errors / (sizes + 1)).argsort(descending=True, stable=True)
    found = []
    for index in order.tolist():
        size, wrong = int(sizes[index]), int(errors[index])
        if size < MIN_SIZE or wrong < 2 or wrong / size <= usual:
            continue
        inside = examples[:, index].bool()  # (N,)
        typical = fit[:, index].where(inside, -torch.inf).argsort(descending=True)
        description = describe_slice(inside, evaluation, columns)
        found.append(Slice(typical[:size].tolist(), wrong, description))
    return found


def describe_slice(
    inside: Tensor, evaluation: Evaluation, columns: Mapping[str, Tensor]
) -> str:
    """Describe how some examples differ from all others.

    Args:
        inside: Which they are, bool, shape (N,).
        evaluation: Of all examples.
        columns: Attributes, shape (N,) each, by name.

    Returns:
        The largest differences between the means, measured in standard deviations: of
        the columns, and of the fractions of each label and each prediction.
    """
    names = optional("CLASSES") or ()
    fractions = {
        f"{name} {names[index]}": (found == index).double()
        for name, labels in (
            ("label", evaluation.labels),
            ("prediction", evaluation.predictions),
        )
        if (found := classes(labels)) is not None
        for index in found.unique().tolist()
    }
    differences = []
    for name, values in {**fractions, **columns}.items():
        values = values.double()  # (N,)
        here, elsewhere = values[inside].mean(), values[~inside].mean()
        distance = ((here - elsewhere) / values.std().clamp_min(1e-9)).abs().item()
        # A rare label says less than the label that is frequent instead.
        if distance >= MIN_DISTANCE and not (name in fractions and here < elsewhere):
            write = "{:.0%}".format if name in fractions else _number
            means = f"{write(here.item())} (elsewhere {write(elsewhere.item())})"
            differences.append((distance, f"{name}: {means}"))
    differences.sort(key=lambda each: -each[0])
    return (
        ", ".join(text for _, text in differences[:DIFFERENCES])
        or "no difference in the known attributes"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def draw_slices(slices: Sequence[Slice], evaluation: Evaluation, data: Any) -> Figure:
    """Draw the most typical examples of each slice, a line for each slice."""
    return figures.draw_predictions(
        [
            figures.ExampleView(data, evaluation, row, f"slice {number}")
            for number, each in enumerate(slices, start=1)
            for row in each.rows[:SHOWN]
        ]
    )


def write_slice(
    found: Slice,
    name: str,
    evaluation: Evaluation,
    data: Any,
    folder: Path | None = None,
) -> Suite:
    """Make a suite of a slice, and write it.

    Args:
        found: The slice.
        name: Of the suite.
        evaluation: Of each example.
        data: The same examples, in the same order.
        folder: Of the suites.

    Returns:
        The suite, as it is in its file.

    Raises:
        UserError: There is a suite of this name, or it cannot be one of a file.
    """
    path = (folder or paths.suites()) / f"{name}.jsonl"
    if not name.replace("-", "").isalnum():
        raise UserError(f"the name of a suite is letters, digits and -, not {name!r}")
    if path.exists():
        raise UserError(f"{path} is there already: choose another name")
    digests = data.digests()
    name_of = task.label_name
    examples = [
        SuiteExample(
            digests[row],
            name_of(evaluation.labels[row]),
            (
                "correct"
                if evaluation.correct[row]
                else f"predicted {name_of(evaluation.predictions[row])}"
            ),
        )
        for row in found.rows
    ]
    correct = len(examples) - found.wrong
    suite = Suite(
        name, initial_min_accuracy(correct, len(examples)), found.description, examples
    )
    write_suite(suite, folder)
    return suite


def _reduce(embeddings: Tensor) -> Tensor:
    """Reduce embeddings (N, D) to their first principal components (N, K)."""
    x = embeddings.double()
    x = x - x.mean(dim=0)
    _, axes = torch.linalg.eigh(x.T @ x)  # by ascending variance
    z = x @ axes[:, -DIMENSIONS:]  # (N, K)
    return z / z.std(dim=0).max().clamp_min(1e-9)


def _mixture(z: Tensor, evaluation: Evaluation) -> Tensor:
    """Fit the mixture by expectation maximization.

    A component is a normal distribution of z, a distribution of labels and one of
    outcomes: the predicted class, and whether it is correct.

    Args:
        z: Of each example, shape (N, K).
        evaluation: Of the same examples.

    Returns:
        Log-likelihood of each example under each component, in nats, shape (N, S).
    """
    size, count = len(optional("CLASSES") or [""]), len(z)
    labels, predictions = (
        torch.zeros(count, dtype=torch.long) if found is None else found
        for found in map(classes, (evaluation.labels, evaluation.predictions))
    )  # (N,), (N,)
    outcomes = predictions * 2 + evaluation.correct  # (N,)
    y = F.one_hot(labels, size).double()  # (N, C)
    # A prediction of low confidence counts in part as each other outcome.
    confidence = getattr(evaluation, "confidences", torch.ones(count)).double()[:, None]
    others = (1 - confidence) / (2 * size - 1)  # (N, 1)
    outcome = F.one_hot(outcomes, 2 * size).double()  # (N, 2 C)
    outcome = outcome * confidence + (1 - outcome) * others

    # Each kind of error, and of correct prediction, is a component at the start: with
    # random ones, small groups are often missed.
    start = labels * 2 * size + outcomes  # (N,)
    if size == 1:  # without classes, examples on the same side of each axis are a kind
        sides = (z[:, -3:] > 0).long()  # (N, 3)
        start = start + 2 * (sides * 2 ** torch.arange(sides.shape[1])).sum(dim=1)
    kinds, kind_of = torch.unique(start, return_inverse=True)  # (S,), (N,)
    sizes = kind_of.bincount()  # (S,)
    order = sizes.argsort(descending=True, stable=True)
    is_correct = (kinds % 2 == 1)[order]
    chosen = torch.cat([order[~is_correct][:MAX_ERRORS], order[is_correct]])
    fractions = F.one_hot(kind_of, len(kinds)).double()[:, chosen]  # (N, S)
    fractions = _normalize(fractions + 0.01 / fractions.shape[1])
    for _ in range(ROUNDS):
        mass = fractions.sum(dim=0)[:, None] + 1e-9  # (S, 1)
        mean = fractions.T @ z / mass  # (S, K)
        spread = fractions.T @ z**2 - mass * mean**2  # (S, K)
        # One more example with the variance of all, so that none shrinks to a point.
        variance = (spread.clamp_min(0) + z.var(dim=0) + 1e-9) / (mass + 1)
        squares = z**2 @ (1 / variance).T - 2 * z @ (mean / variance).T  # (N, S)
        squares = squares + (mean**2 / variance).sum(dim=1)
        fit = (mass / count).log()[:, 0] - variance.log().sum(dim=1) / 2 - squares / 2
        fit = fit + y @ _smooth(fractions.T @ y).log().T  # (N, S)
        fit = fit + (outcome @ _smooth(fractions.T @ outcome).T).log()
        fractions, before = fit.softmax(dim=1), fractions
        if (fractions - before).abs().max() < 1e-4:
            break
    return fit


def _smooth(counts: Tensor) -> Tensor:
    """Turn counts (S, C) into fractions; a tenth of an example is of all classes."""
    return _normalize(counts + 0.1 / counts.shape[1])


def _normalize(counts: Tensor) -> Tensor:
    return counts / counts.sum(dim=1, keepdim=True)
