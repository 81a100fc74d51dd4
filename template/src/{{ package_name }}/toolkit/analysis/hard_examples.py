"""Hard examples: is the model wrong, or the label?

Those with the highest loss are collected into a file, in which a person reviews each:
`model`, and it is added to the suite `hard`, on which every later model is evaluated,
or `data`, and its label has to be corrected.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import figures, paths
from ..errors import UserError
from ..evaluation import (
    Suite,
    SuiteExample,
    initial_min_accuracy,
    load_suites,
    write_suite,
)
from ..interface import Evaluation, classes, optional, task
from .label_review import HardExample

NAME = "hard"


def suspected_label_errors(evaluation: Evaluation) -> list[bool | None]:
    """Return which examples may have a wrong label.

    A task may have a rule of its own. Else, where the model has confidences, this is
    confident learning (Northcutt and others, Journal of Artificial Intelligence
    Research, 2021): the prediction is not the label, and its confidence is at least the
    mean confidence of correct predictions of the same class, or of all without classes.
    Without confidences it is an extreme loss (Tukey, 1977): above the third quartile by
    more than three times the interquartile range.

    Args:
        evaluation: On examples that the model was not trained on; with an attribute
            `confidences`, shape (N,) and from 0 to 1, if the model has them.

    Returns:
        Whether each example is one, or None if that is unknown: nothing is known of
        correct predictions of the class, or a number is not finite.
    """
    if (own := optional("suspected_label_errors")) is not None:
        return [None if each is None else bool(each) for each in own(evaluation)]
    value: Tensor | None = getattr(evaluation, "confidences", None)  # (N,)
    if value is None:
        value = evaluation.losses  # (N,)
        limits = _outlier_limits(value)  # (N,)
        found = value > limits
    else:
        limits = _usual_confidences(evaluation, value)  # (N,)
        found = value >= limits
    unknown = ~(value.isfinite() & limits.isfinite())
    wrong = ~evaluation.correct
    return [
        None if unknown[row] and wrong[row] else bool(found[row] and wrong[row])
        for row in range(len(wrong))
    ]


def _outlier_limits(losses: Tensor) -> Tensor:
    """Return the loss above which each one is an outlier, (N,); nan without losses."""
    known = losses[losses.isfinite()]
    if not len(known):
        return torch.full_like(losses, torch.nan)
    low, high = known.quantile(known.new_tensor([0.25, 0.75]))
    return (high + 3 * (high - low)).expand(len(losses))


def _usual_confidences(evaluation: Evaluation, confidences: Tensor) -> Tensor:
    """Return the mean confidence of correct predictions of the class of each, (N,)."""
    predicted = classes(evaluation.predictions)  # (N,)
    if predicted is None:
        predicted = torch.zeros(len(confidences))
    usual = torch.empty_like(confidences)
    for prediction in predicted.unique():
        same = predicted == prediction  # (N,)
        usual[same] = confidences[same & evaluation.correct].mean()  # nan without any
    return usual


def collect_hard_examples(
    evaluation: Evaluation, data: Any, reviewed: Sequence[HardExample], count: int
) -> list[HardExample]:
    """Find the examples with the highest losses, and keep earlier reviews.

    Args:
        evaluation: Of each example.
        data: The same examples, in the same order.
        reviewed: Earlier ones; those that are not in the data any more, or have another
            label there now, are left out.
        count: How many of the highest losses to collect.

    Returns:
        The earlier ones, then the new ones, the highest loss first.
    """
    digests = data.digests()
    labels = {
        digest: task.label_name(label)
        for digest, label in zip(digests, data.labels, strict=True)
    }
    kept = {
        example.digest: example
        for example in reviewed
        if labels.get(example.digest) == example.label
    }
    suspect = suspected_label_errors(evaluation)  # (N,)
    for row in evaluation.losses.argsort(descending=True)[:count].tolist():
        if digests[row] not in kept:
            kept[digests[row]] = HardExample(
                digests[row],
                labels[digests[row]],
                task.label_name(evaluation.predictions[row]),
                round(evaluation.losses[row].item(), 4),
                suspect[row],
            )
    return [*kept.values()]


def draw_hard_examples(
    examples: Sequence[HardExample],
    evaluation: Evaluation,
    data: Any,
    path: Path | None = None,
) -> Path:
    """Draw examples in the order of their file, and return the path of the picture."""
    rows = {digest: row for row, digest in enumerate(data.digests())}
    shown = [
        figures.ExampleView(
            data,
            evaluation,
            rows[example.digest],
            example.wrong or ("a wrong label?" if example.suspect else ""),
        )
        for example in examples
    ]
    figure = figures.draw_predictions(shown)
    return figures.save_figure(figure, path or paths.build("hard-examples.png"))


def extend_suite(
    examples: Sequence[HardExample],
    evaluation: Evaluation,
    data: Any,
    folder: Path | None = None,
) -> Suite:
    """Add the examples on which the model is wrong to the suite `hard`.

    Args:
        examples: All of them reviewed.
        evaluation: Of each example of the data.
        data: The same examples, in the same order.
        folder: Of the suites; without one of this name, gets it.

    Returns:
        The suite, as it is now in its file. What was in it stays as it was.

    Raises:
        UserError: An example is not reviewed yet.
    """
    if not all(example.wrong for example in examples):
        raise UserError(f"not every example in {paths.review()} is reviewed")
    added = [
        SuiteExample(
            example.digest,
            example.label,
            example.why or f"predicted {example.prediction}",
        )
        for example in examples
        if example.wrong == "model"
    ]
    before = {suite.name: suite for suite in load_suites(folder)}.get(NAME)
    if before is None:
        rows = dict(zip(data.digests(), evaluation.correct.tolist(), strict=True))
        correct = sum(rows[example.digest] for example in added)
        min_accuracy = initial_min_accuracy(correct, len(added))
        why = "the highest losses, where the label is correct"
        before = Suite(NAME, min_accuracy, why, [])
    known = {example.digest for example in before.examples}
    new = [example for example in added if example.digest not in known]
    suite = replace(before, examples=[*before.examples, *new])
    if suite.examples:
        write_suite(suite, folder)
    return suite
