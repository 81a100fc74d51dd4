"""The exam: what a model is judged on, and how a network does.

It is the split that no model is trained on, whole and by the suites that `task.suites`
makes of it, and the suites that people keep, whose examples can be of any other split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, task
from .significance import ALL, compare
from .suites import Suite, load_suites

MAX_PICTURES = 25
JUDGED = "test"  # the split that no model is trained on, nor chosen by
TRAINED = "train"


@dataclass(frozen=True)
class Exam:
    """All examples that a model is judged on, and the suites they form.

    Attributes:
        splits: The splits that hold them, as `task.load_splits` gives them; the first
            counts as a whole.
        suites: Rows by the name of the suite, counted through all splits; the first
            suite is the first split.
        floors: The least share that must be right, by suite.
        kept: The names of the suites that are kept in files.
    """

    splits: dict[str, Any]
    suites: dict[str, list[int]]
    floors: dict[str, float]
    kept: list[str]

    def evaluate(self, net: Any) -> dict[str, Evaluation]:
        """Return what a network says about each split."""
        return {name: task.evaluate(net, data) for name, data in self.splits.items()}

    def locate(self, row: int) -> tuple[str, int]:
        """Return the split of a row of a suite, and its row in this split."""
        for name, data in self.splits.items():
            if row < len(data):
                return name, row
            row -= len(data)
        raise IndexError(row)


def load_exam(splits: Mapping[str, Any], folder: Path | None = None) -> Exam:
    """Find the examples of all suites in the data.

    Args:
        splits: The data, as `task.load_splits` gives them.
        folder: Of the suites that are kept in files.

    Returns:
        What a model is judged on.

    Raises:
        UserError: A suite cannot be read, or names an example that is not in the
            data, has another label there, or was trained on.
    """
    folder = folder or paths.suites()
    kept = load_suites(folder)
    places = {
        digest: (name, row)
        for name, data in splits.items()
        for row, digest in enumerate(data.digests())
    }
    found = {suite.name: _find(suite, folder, places, splits) for suite in kept}
    used = {split for rows in found.values() for split, _ in rows}
    judged = [JUDGED, *sorted(used - {JUDGED})]
    start, starts = 0, {}
    for name in judged:
        starts[name] = start
        start += len(splits[name])
    data = splits[JUDGED]
    suites = {ALL: [*range(len(data))], **task.suites(data)}
    for name, rows in found.items():
        if name in suites:
            raise UserError(f"{folder / name}.jsonl needs another name: {name} is one")
        suites[name] = [starts[split] + row for split, row in rows]
    # Imported here: its checks of types take a tenth of a second.
    from .settings import load_settings

    floors = load_settings().floors | {suite.name: suite.floor for suite in kept}
    return Exam({name: splits[name] for name in judged}, suites, floors, [*found])


def _find(
    suite: Suite,
    folder: Path,
    places: Mapping[str, tuple[str, int]],
    splits: Mapping[str, Any],
) -> list[tuple[str, int]]:
    """Return the split and the row in it of each example of a suite."""
    found = []
    for number, member in enumerate(suite.members, start=2):
        where = f"{folder / suite.name}.jsonl, line {number}"
        if member.digest not in places:
            raise UserError(
                f"{where}: there is no example {member.digest} in the data; remove the "
                "line if it is gone for good"
            )
        split, row = places[member.digest]
        label = task.label_name(splits[split].labels[row])
        if split == TRAINED:
            raise UserError(
                f"{where}: {member.digest} is an example of the training split, which "
                "says nothing about a model; remove the line"
            )
        if label != member.label:
            raise UserError(
                f"{where}: the label of {member.digest} is {member.label} here and "
                f"{label} in the data; correct the wrong one"
            )
        found.append((split, row))
    return found


def correct(evaluations: Mapping[str, Evaluation]) -> Tensor:
    """Return whether each example of an exam is predicted right, shape (N,)."""
    return torch.cat([evaluation.correct for evaluation in evaluations.values()])


def missed_floors(net: Any, folder: Path | None = None) -> list[str]:
    """Say which suites a network is too bad on.

    Args:
        net: What `task.evaluate` takes.
        folder: Gets a picture of what is wrong for each of them.

    Returns:
        A sentence for each, with the path of its picture.
    """
    folder = folder or paths.build("suites")
    exam = load_exam(interface.splits())
    evaluations = exam.evaluate(net)
    comparison = compare(correct(evaluations), None, exam.suites, exam.floors)
    return [
        f"{suite}: {_draw(exam, evaluations, suite.name, folder)}"
        for suite in comparison.suites
        if suite.finding
    ]


def _draw(
    exam: Exam, evaluations: Mapping[str, Evaluation], name: str, folder: Path
) -> Path:
    """Draw what is wrong in a suite, the highest loss first."""
    # Imported here: it takes half a second, and floors are seldom missed.
    from ..figures import Shown, draw, save

    shown = []
    for row in exam.suites[name]:
        split, place = exam.locate(row)
        if not evaluations[split].correct[place]:
            shown.append(Shown(exam.splits[split], evaluations[split], place))
    shown.sort(key=lambda each: -each.loss)
    return save(draw(shown[:MAX_PICTURES]), folder / f"{name}.png")
