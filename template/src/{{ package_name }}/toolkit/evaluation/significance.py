"""Comparison: is a new model better than the old one, or worse, and on what?

Only the examples count that one of the two models predicts right and the other does
not: of two equally good models, each gets half of these. The exact sign test (McNemar,
1947) tells how likely more than that is by chance. It is asked once per suite, and with
a dozen suites a test that is wrong once in twenty times would find something wrong with
every second model. So the suites share the chance of a false alarm (Bonferroni): all
examples together, where most regressions show, take half of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ..errors import UserError

ALL = "all"  # the suite of all examples

Finding = Literal["below its floor", "worse", "better", ""]
Verdict = Literal["regress", "promote", "keep"]


@dataclass(frozen=True)
class SuiteResult:
    """How two models do on one suite, a named set of examples.

    Attributes:
        name: Of the suite.
        size: Number of its examples.
        new: Share that the new model predicts right, from 0 to 1.
        old: Share that the old one does, if there is one.
        lost: Examples that only the old model predicts right.
        won: Examples that only the new one does.
        floor: The least share that must be right.
        finding: What is more than chance, or nothing.
    """

    name: str
    size: int
    new: float
    old: float | None
    lost: int
    won: int
    floor: float
    finding: Finding

    def __str__(self) -> str:
        """Return the name, and the shares that the finding is about."""
        if self.finding == "below its floor":
            return f"{self.name} ({self.new:.1%} right, at least {self.floor:.1%} due)"
        if self.old is None:
            return f"{self.name} ({self.new:.1%} right)"
        return f"{self.name} ({self.new:.1%} right instead of {self.old:.1%})"


@dataclass(frozen=True)
class Comparison:
    """The verdict on a new model.

    Attributes:
        verdict: `regress` if it is worse on a suite or below a floor, else `promote` if
            it is better on one or the first of its kind, else `keep`.
        reason: Why, in one sentence.
        suites: The results, of which the first is that of all examples.
    """

    verdict: Verdict
    reason: str
    suites: list[SuiteResult]

    def rows(self) -> list[list[str]]:
        """Lay out the results as a table: rows of cells, titles first."""
        rows = [["suite", "examples", "old", "new", "lost", "won", ""]]
        for suite in self.suites:
            old, lost, won = f"{suite.old or 0:.1%}", str(suite.lost), str(suite.won)
            if suite.old is None:
                old = lost = won = ""
            size, new = str(suite.size), f"{suite.new:.1%}"
            rows.append([suite.name, size, old, new, lost, won, suite.finding])
        return rows


def compare(
    new: Tensor,
    old: Tensor | None,
    suites: Mapping[str, Sequence[int]],
    floors: Mapping[str, float],
    chance: float = 0.05,
    guards: Collection[str] = (),
) -> Comparison:
    """Compare two models on the same examples, suite by suite.

    Args:
        new: Whether the new model predicts each example right, shape (N,).
        old: The same of the model in use, if there is one to compare with.
        suites: Rows of the examples by the name of the suite. If they do not say which
            those of `all` are, these are all examples.
        floors: The least share that must be right, by the name of a suite.
        chance: The highest probability that an equally good model is found worse, over
            all suites together.
        guards: Names of suites on which a model can be worse, but not better.

    Returns:
        The verdict and what it rests on.

    Raises:
        UserError: A suite is empty, or a floor is of no suite.

    Examples:
        >>> old = torch.arange(100) < 90
        >>> compare(torch.arange(100) < 70, old, {}, {}).reason
        'worse on all (70.0% right instead of 90.0%)'
        >>> compare(torch.arange(100) < 88, old, {}, {}).reason
        'no difference beyond chance: of 100 examples 2 are lost and 0 won'
        >>> compare(torch.arange(100) < 88, old, {}, {"all": 0.95}).reason
        'below its floor on all (88.0% right, at least 95.0% due)'
    """
    rows_of: dict[str, Sequence[int]] = {ALL: range(len(new)), **suites}
    for name in floors:
        if name not in rows_of:
            raise UserError(
                f"there is a floor for {name!r}, but the suites are: "
                f"{', '.join(rows_of)}"
            )
    results = []
    for name, rows in rows_of.items():
        if not rows:
            raise UserError(f"the suite {name} has no examples")
        index = torch.tensor([*rows])  # (S,)
        before = None if old is None else old[index]  # (S,)
        share = 0.5 if name == ALL else 0.5 / (len(rows_of) - 1)
        floor = floors.get(name, 0)
        result = _judge(name, new[index], before, floor, chance * share)
        if name in guards and result.finding == "better":
            result = replace(result, finding="")
        results.append(result)
    return _conclude(results)


def _judge(
    name: str, new: Tensor, old: Tensor | None, floor: float, chance: float
) -> SuiteResult:
    """Judge one suite.

    Args:
        name: Of the suite.
        new: Whether the new model predicts each example right, shape (S,).
        old: The same of the old one.
        floor: The least share that must be right.
        chance: As in `compare`, for this suite alone.

    Returns:
        Its result.
    """
    share, before = _share(new), None if old is None else _share(old)
    lost = 0 if old is None else int((old & ~new).sum())
    won = 0 if old is None else int((new & ~old).sum())
    finding: Finding = ""
    if share < floor:
        finding = "below its floor"
    elif _probability(lost, won) < chance:
        finding = "worse"
    elif _probability(won, lost) < chance:
        finding = "better"
    return SuiteResult(name, len(new), share, before, lost, won, floor, finding)


def _share(correct: Tensor) -> float:
    return correct.double().mean().item()


def _probability(more: int, less: int) -> float:
    """Return how likely so many go one way, if either way is as likely."""
    # Imported here: prediction needs none of SciPy.
    from scipy.stats import binomtest

    if more <= less:
        return 1.0
    return float(binomtest(more, more + less, alternative="greater").pvalue)


def _conclude(results: list[SuiteResult]) -> Comparison:
    """Draw the conclusion from the results of all suites."""
    found: dict[Finding, list[str]] = {}
    for result in results:
        found.setdefault(result.finding, []).append(str(result))
    order: tuple[Finding, ...] = ("below its floor", "worse", "better")
    reasons = [
        f"{finding} on {', '.join(found[finding])}"
        for finding in order
        if finding in found
    ]
    everything = results[0]
    if "below its floor" in found or "worse" in found:
        return Comparison("regress", "; ".join(reasons), results)
    if "better" in found:
        return Comparison("promote", reasons[0], results)
    if everything.old is None:
        return Comparison("promote", "no model of this kind is in use", results)
    reason = (
        f"no difference beyond chance: of {everything.size} examples "
        f"{everything.lost} are lost and {everything.won} won"
    )
    return Comparison("keep", reason, results)
