"""The evaluation set: the test split with its suites, and how a network does on it.

Suites are subsets with a minimum accuracy each: those that `task.suites` makes of the
test split, and those that people keep in files, whose examples can be of any split but
the training split.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, task
from .significance import ALL, Outcomes, compare_suites, load_settings
from .suites import Suite, load_suites

MAX_PICTURES = 25
TEST_SPLIT = "test"  # neither trained on nor used to choose a checkpoint
TRAIN_SPLIT = "train"


@dataclass(frozen=True)
class EvaluationSet:
    """All examples that a model is evaluated on, and the suites they form.

    Rows of suites are counted through all splits. The first suite is the first split,
    all of which is evaluated.
    """

    splits: dict[str, Any]  # as `task.load_splits` returns them
    suites: dict[str, list[int]]  # rows by name
    min_accuracy: dict[str, float]  # from 0 to 1, of each suite that has one
    from_files: list[str]  # suites that people keep in files

    def evaluate(self, net: Any) -> dict[str, Evaluation]:
        """Evaluate a network on each split."""
        return {name: task.evaluate(net, data) for name, data in self.splits.items()}

    def digests(self) -> list[str]:
        """Return the digest of each example, counted through all splits."""
        return [d for data in self.splits.values() for d in interface.digests(data)]

    def groups(self) -> list[str] | None:
        """Return the group of each example, if the task has groups."""
        found = [interface.groups(data) for data in self.splits.values()]
        known = [names for names in found if names is not None]
        return [*chain.from_iterable(known)] if known else None

    def in_suites(self) -> set[str]:
        """Return the digests of the examples that are in a suite."""
        digests = self.digests()
        return {digests[row] for rows in self.suites.values() for row in rows}

    def without(self, left_out: Collection[str]) -> "EvaluationSet":
        """Return the set without these digests, and without suites that become empty.

        It is a `UserError` if no other is in the test split.
        """
        if not left_out:
            return self
        splits: dict[str, Any] = {}
        new_row: dict[int, int] = {}
        first = 0
        for name, data in self.splits.items():
            digests = interface.digests(data)
            kept = [row for row, d in enumerate(digests) if d not in left_out]
            for row in kept:
                new_row[first + row] = len(new_row)
            first += len(data)
            if kept:
                splits[name] = interface.select(data, kept)
        suites = {
            name: [new_row[row] for row in rows if row in new_row]
            for name, rows in self.suites.items()
        }
        if not suites[ALL]:
            raise UserError(
                "no example of the test split is left to compare the models on"
            )
        gone = {name for name, rows in suites.items() if not rows}
        return EvaluationSet(
            splits,
            {name: rows for name, rows in suites.items() if name not in gone},
            {name: m for name, m in self.min_accuracy.items() if name not in gone},
            [name for name in self.from_files if name not in gone],
        )

    def locate(self, row: int) -> tuple[str, int]:
        """Return the split of a row of a suite, and its row in this split."""
        for name, data in self.splits.items():
            if row < len(data):
                return name, row
            row -= len(data)
        raise IndexError(row)


def load_evaluation_set(
    splits: Mapping[str, Any], folder: Path | None = None
) -> EvaluationSet:
    """Find the examples of all suites in the data.

    Args:
        splits: The data, as `task.load_splits` returns them.
        folder: Of the suites that people keep in files.

    Returns:
        The test split with all suites.

    Raises:
        UserError: A suite cannot be read, or names an example that is not in the
            data, has another label there, or is in the training split.
    """
    folder = folder or paths.suites()
    from_files = load_suites(folder)
    places = {
        digest: (name, row)
        for name, data in splits.items()
        for row, digest in enumerate(interface.digests(data))
    }
    found = {suite.name: _find(suite, folder, places, splits) for suite in from_files}
    used = {split for rows in found.values() for split, _ in rows}
    evaluated = [TEST_SPLIT, *sorted(used - {TEST_SPLIT})]
    start, starts = 0, {}
    for name in evaluated:
        starts[name] = start
        start += len(splits[name])
    data = splits[TEST_SPLIT]
    suites = {ALL: [*range(len(data))], **task.suites(data)}
    for name, rows in found.items():
        if name in suites:
            raise UserError(f"{folder / name}.jsonl needs another name: {name} is one")
        suites[name] = [starts[split] + row for split, row in rows]
    min_accuracy = load_settings().min_accuracy | {
        suite.name: suite.min_accuracy for suite in from_files
    }
    return EvaluationSet(
        {name: splits[name] for name in evaluated}, suites, min_accuracy, [*found]
    )


def _find(
    suite: Suite,
    folder: Path,
    places: Mapping[str, tuple[str, int]],
    splits: Mapping[str, Any],
) -> list[tuple[str, int]]:
    """Return the split and the row in it of each example of a suite."""
    found: list[tuple[str, int]] = []
    wrong: dict[int, str] = {}
    for number, example in enumerate(suite.examples, start=2):
        if example.digest not in places:
            wrong[number] = (
                f"there is no example {example.digest} in the data; remove the line "
                "if it is gone for good"
            )
            continue
        split, row = places[example.digest]
        label = task.label_name(splits[split].labels[row])
        if split == TRAIN_SPLIT:
            wrong[number] = (
                f"{example.digest} is an example of the training split, which cannot "
                "test a model; remove the line"
            )
        elif label != example.label:
            wrong[number] = (
                f"the label of {example.digest} is {example.label} here and {label} in "
                "the data; correct the wrong one"
            )
        found.append((split, row))
    if wrong:
        (first, what), *rest = wrong.items()
        more = f" (look at these lines, too: {', '.join(str(n) for n, _ in rest)})"
        raise UserError(
            f"{folder / suite.name}.jsonl, line {first}: {what}{more if rest else ''}"
        )
    return found


def outcomes(evaluations: Mapping[str, Evaluation]) -> Outcomes:
    """Return how a model does on the examples of an evaluation set."""
    errors = [getattr(each, "errors", None) for each in evaluations.values()]
    known = [each for each in errors if each is not None]
    return Outcomes(
        torch.cat([each.correct for each in evaluations.values()]),
        torch.cat(known) if len(known) == len(errors) else None,
    )


def suites_below_minimum(net: Any, folder: Path | None = None) -> list[str]:
    """Find the suites on which a network has less than the minimum accuracy.

    Args:
        net: What `task.evaluate` takes.
        folder: Gets a picture of the errors for each of them.

    Returns:
        A sentence for each, with the path of its picture.
    """
    folder = folder or paths.build("suites")
    evaluation_set = load_evaluation_set(interface.splits())
    evaluations = evaluation_set.evaluate(net)
    result = compare_suites(
        outcomes(evaluations), None, evaluation_set.suites, evaluation_set.min_accuracy
    )
    return [
        f"{suite}: {_draw(evaluation_set, evaluations, suite.name, folder)}"
        for suite in result.suites
        if suite.finding
    ]


def _draw(
    whole: EvaluationSet,
    evaluations: Mapping[str, Evaluation],
    name: str,
    folder: Path,
) -> Path:
    """Draw the errors in a suite, the highest loss first."""
    # Imported here: it takes half a second, and is seldom needed.
    from ..figures import ExampleView, draw_predictions, save_figure

    shown = []
    for row in whole.suites[name]:
        split, place = whole.locate(row)
        if not evaluations[split].correct[place]:
            shown.append(ExampleView(whole.splits[split], evaluations[split], place))
    shown.sort(key=lambda each: -each.loss)
    return save_figure(draw_predictions(shown[:MAX_PICTURES]), folder / f"{name}.png")
