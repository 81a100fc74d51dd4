"""Hard examples: is the model wrong there, or are the data?

Those with the highest loss are collected into a file, and wait there for what a person
says about each: `model`, and it becomes one of the suite `hard`, on which every later
model is judged, or `data`, and its label is to be corrected.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import figures, paths
from ..errors import UserError
from ..evaluation import Member, Suite, load_suites, starting_floor, write_suite
from ..interface import Evaluation, task
from .label_review import Case

NAME = "hard"


def suspects(evaluation: Evaluation) -> Tensor:
    """Return which examples look as if their label were wrong.

    Where the model says how sure it is, this is confident learning (Northcutt and
    others, Journal of Artificial Intelligence Research, 2021): the prediction is not
    the label, and the model is as sure of it as it is on average where it predicts the
    same and is right. Else it is a loss that is far out (Tukey, 1977): above the third
    quartile by more than three times the distance between the quartiles.

    Args:
        evaluation: On examples that the model was not trained on; with an attribute
            `confidences`, shape (N,) and from 0 to 1, if the model has them.

    Returns:
        Whether each example is one, shape (N,).
    """
    confidences: Tensor | None = getattr(evaluation, "confidences", None)
    losses, correct = evaluation.losses, evaluation.correct  # (N,), (N,)
    if confidences is None:
        low, high = losses.quantile(torch.tensor([0.25, 0.75], dtype=losses.dtype))
        return ~correct & (losses > high + 3 * (high - low))
    found = torch.zeros_like(correct)
    for prediction in evaluation.predictions.unique():
        same = evaluation.predictions == prediction  # (N,)
        # Of no right answer the mean is no number, and nothing is above it.
        usual = confidences[same & correct].mean()
        found |= same & ~correct & (confidences >= usual)
    return found


def collect(
    evaluation: Evaluation, data: Any, reviewed: Sequence[Case], count: int
) -> list[Case]:
    """Find the hardest examples, and keep what was said about them.

    Args:
        evaluation: What the model says about each example.
        data: The same examples, in the same order.
        reviewed: The cases of earlier times; those whose example has left the data, or
            has another label there now, are settled and left out.
        count: How many of the highest losses are cases.

    Returns:
        The earlier cases, then the new ones, those with the highest loss first.
    """
    digests = data.digests()
    labels = {
        digest: task.label_name(label)
        for digest, label in zip(digests, data.labels, strict=True)
    }
    kept = {
        case.digest: case for case in reviewed if labels.get(case.digest) == case.label
    }
    suspect = suspects(evaluation)  # (N,)
    for row in evaluation.losses.argsort(descending=True)[:count].tolist():
        if digests[row] not in kept:
            kept[digests[row]] = Case(
                digests[row],
                labels[digests[row]],
                task.label_name(evaluation.predictions[row]),
                round(evaluation.losses[row].item(), 4),
                bool(suspect[row]),
            )
    return [*kept.values()]


def draw(
    cases: Sequence[Case], evaluation: Evaluation, data: Any, path: Path | None = None
) -> Path:
    """Draw cases in the order of their file, and return the path of the picture."""
    rows = {digest: row for row, digest in enumerate(data.digests())}
    shown = [
        figures.Shown(
            data,
            evaluation,
            rows[case.digest],
            case.wrong or ("a wrong label?" if case.suspect else ""),
        )
        for case in cases
    ]
    return figures.save(figures.draw(shown), path or paths.build("hard.png"))


def extend_suite(
    cases: Sequence[Case], evaluation: Evaluation, data: Any, folder: Path | None = None
) -> Suite:
    """Add the cases in which the model is wrong to the suite `hard`.

    Args:
        cases: All of them answered.
        evaluation: What the model says about each example.
        data: The same examples, in the same order.
        folder: Of the suites; without one of this name, gets it.

    Returns:
        The suite, as it is now in its file. What was in it stays as it was.

    Raises:
        UserError: A case has no answer, or no suite is left.
    """
    if not all(case.wrong for case in cases):
        raise UserError(f"not every example in {paths.review()} has an answer")
    added = [
        Member(case.digest, case.label, case.why or f"was taken for {case.prediction}")
        for case in cases
        if case.wrong == "model"
    ]
    before = {suite.name: suite for suite in load_suites(folder)}.get(NAME)
    if before is None:
        rows = dict(zip(data.digests(), evaluation.correct.tolist(), strict=True))
        correct = sum(rows[member.digest] for member in added)
        floor = starting_floor(correct, len(added))
        before = Suite(NAME, floor, "the highest losses, where the label is right", [])
    known = {member.digest for member in before.members}
    new = [member for member in added if member.digest not in known]
    suite = replace(before, members=[*before.members, *new])
    if suite.members:
        write_suite(suite, folder)
    return suite
