"""Slices: groups of examples that are alike, and on which the model is often wrong.

Nobody has to name them first. They are the components of a mixture over what the
network makes of an example, its class and what was said about it: Domino (Eyuboglu and
others, International Conference on Learning Representations, 2022).
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
from ..evaluation import Member, Suite, starting_floor, write_suite
from ..interface import Evaluation, task

SHOWN = 5  # examples of each slice in the picture
MIN_SIZE = 5  # fewer examples have something in common by chance
MAX_ERRORS = 100  # kinds of them to begin with, for the sake of memory
DIMENSIONS = 16  # of what is left of an embedding
ROUNDS = 100
FACTS = 3  # in a sentence
MIN_DISTANCE = 0.5  # standard deviations; what is nearer sets nothing apart


@dataclass(frozen=True)
class Slice:
    """A group of examples that was found.

    Attributes:
        rows: Of its examples, the most typical first.
        wrong: How many of them are not predicted right.
        sentence: What sets them apart from all others.
    """

    rows: list[int]
    wrong: int
    sentence: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.wrong} of {len(self.rows)} are wrong; {self.sentence}"


def find_slices(
    embeddings: Tensor, evaluation: Evaluation, columns: Mapping[str, Tensor]
) -> list[Slice]:
    """Find the groups of examples in which errors gather.

    Args:
        embeddings: What the network makes of each example, shape (N, D).
        evaluation: What it says about each; with an attribute `confidences`, shape (N,)
            and from 0 to 1, if the model has them.
        columns: What else is known of each, shape (N,), by name.

    Returns:
        Those with at least two errors, and a larger share of errors than all examples
        have, the largest share first.
    """
    fit = _mixture(_reduce(embeddings), evaluation)  # (N, S)
    members = F.one_hot(fit.argmax(dim=1), fit.shape[1])  # (N, S)
    sizes = members.sum(dim=0)  # (S,)
    errors = members[~evaluation.correct].sum(dim=0)  # (S,)
    usual = (~evaluation.correct).double().mean()
    # One is added so that of two groups without a right answer the larger comes first.
    order = (errors / (sizes + 1)).argsort(descending=True, stable=True)
    found = []
    for index in order.tolist():
        size, wrong = int(sizes[index]), int(errors[index])
        if size < MIN_SIZE or wrong < 2 or wrong / size <= usual:
            continue
        inside = members[:, index].bool()  # (N,)
        typical = fit[:, index].where(inside, -torch.inf).argsort(descending=True)
        sentence = describe(inside, evaluation, columns)
        found.append(Slice(typical[:size].tolist(), wrong, sentence))
    return found


def describe(
    inside: Tensor, evaluation: Evaluation, columns: Mapping[str, Tensor]
) -> str:
    """Say what sets some examples apart from all others.

    Args:
        inside: Which they are, shape (N,).
        evaluation: What the model says about all of them.
        columns: What else is known of each, shape (N,), by name.

    Returns:
        The largest differences between the means, in standard deviations: of the
        columns, and of what share has which label and which prediction.
    """
    shares = {
        f"{name} {task.CLASSES[index]}": (classes == index).double()
        for name, labels in (
            ("label", evaluation.labels),
            ("prediction", evaluation.predictions),
        )
        for classes in [task.class_index(labels)]
        for index in classes.unique().tolist()
    }
    facts = []
    for name, values in {**shares, **columns}.items():
        values = values.double()  # (N,)
        here, elsewhere = values[inside].mean(), values[~inside].mean()
        distance = ((here - elsewhere) / values.std().clamp_min(1e-9)).abs().item()
        # That something is rare here says less than what is frequent instead.
        if distance >= MIN_DISTANCE and not (name in shares and here < elsewhere):
            write = "{:.0%}".format if name in shares else _number
            fact = f"{name}: {write(here.item())} (elsewhere {write(elsewhere.item())})"
            facts.append((distance, fact))
    facts.sort(key=lambda fact: -fact[0])
    return ", ".join(text for _, text in facts[:FACTS]) or "nothing that has a name"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def draw(slices: Sequence[Slice], evaluation: Evaluation, data: Any) -> Figure:
    """Draw the most typical examples of each slice, a line for each slice."""
    return figures.draw(
        [
            figures.Shown(data, evaluation, row, f"slice {number}")
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
        evaluation: What the model says about each example.
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
    members = [
        Member(
            digests[row],
            name_of(evaluation.labels[row]),
            (
                "is right"
                if evaluation.correct[row]
                else f"was taken for {name_of(evaluation.predictions[row])}"
            ),
        )
        for row in found.rows
    ]
    correct = len(members) - found.wrong
    suite = Suite(name, starting_floor(correct, len(members)), found.sentence, members)
    write_suite(suite, folder)
    return suite


def _reduce(embeddings: Tensor) -> Tensor:
    """Turn embeddings (N, D) to their main axes, and keep the longest: (N, K)."""
    x = embeddings.double()
    x = x - x.mean(dim=0)
    _, axes = torch.linalg.eigh(x.T @ x)  # the longest last
    z = x @ axes[:, -DIMENSIONS:]  # (N, K)
    return z / z.std(dim=0).max().clamp_min(1e-9)


def _mixture(z: Tensor, evaluation: Evaluation) -> Tensor:
    """Fit the mixture by expectation maximization.

    A component is a normal distribution of z, a distribution of labels and one of
    outcomes: which class is predicted, and whether that is right.

    Args:
        z: Of each example, shape (N, K).
        evaluation: What the model says about each.

    Returns:
        How well each example fits each component, in nats, shape (N, S).
    """
    size, count = len(task.CLASSES), len(z)
    labels = task.class_index(evaluation.labels)  # (N,)
    outcomes = task.class_index(evaluation.predictions) * 2 + evaluation.correct  # (N,)
    y = F.one_hot(labels, size).double()  # (N, C)
    # An outcome that the model was not sure of is a bit of all others.
    sure = getattr(evaluation, "confidences", torch.ones(count)).double()[:, None]
    others = (1 - sure) / (2 * size - 1)  # (N, 1)
    told = F.one_hot(outcomes, 2 * size).double()  # (N, 2 C)
    told = told * sure + (1 - told) * others

    # Each kind of error is a component to begin with, and each kind of right answer:
    # from random ones, small groups are often missed.
    kinds, kind_of = torch.unique(
        labels * 2 * size + outcomes, return_inverse=True
    )  # (S,), (N,)
    sizes = kind_of.bincount()  # (S,)
    order = sizes.argsort(descending=True, stable=True)
    is_right = (kinds % 2 == 1)[order]
    chosen = torch.cat([order[~is_right][:MAX_ERRORS], order[is_right]])
    shares = F.one_hot(kind_of, len(kinds)).double()[:, chosen]  # (N, S)
    shares = _normalize(shares + 0.01 / shares.shape[1])
    for _ in range(ROUNDS):
        mass = shares.sum(dim=0)[:, None] + 1e-9  # (S, 1)
        mean = shares.T @ z / mass  # (S, K)
        spread = shares.T @ z**2 - mass * mean**2  # (S, K)
        # One more example, as far out as all are, so that none shrinks to a point.
        variance = (spread.clamp_min(0) + z.var(dim=0) + 1e-9) / (mass + 1)
        squares = z**2 @ (1 / variance).T - 2 * z @ (mean / variance).T  # (N, S)
        squares = squares + (mean**2 / variance).sum(dim=1)
        fit = (mass / count).log()[:, 0] - variance.log().sum(dim=1) / 2 - squares / 2
        fit = fit + y @ _smooth(shares.T @ y).log().T  # (N, S)
        fit = fit + (told @ _smooth(shares.T @ told).T).log()
        shares, before = fit.softmax(dim=1), shares
        if (shares - before).abs().max() < 1e-4:
            break
    return fit


def _smooth(counts: Tensor) -> Tensor:
    """Turn counts (S, C) into shares; a tenth of an example is of all classes."""
    return _normalize(counts + 0.1 / counts.shape[1])


def _normalize(counts: Tensor) -> Tensor:
    return counts / counts.sum(dim=1, keepdim=True)
