"""A paired significance test: is a new model better or worse, and on which suite?

Only the examples count that one of the two models predicts correctly and the other does
not: of two equally good models, each gets half of these. The exact sign test (McNemar,
1947) computes the probability of a larger difference. There is a test for each suite,
and a dozen tests at a level of 5 % would call every second equally good model worse. So
the suites divide alpha among them (Bonferroni correction): the suite of all examples,
where most regressions show, gets half of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ..errors import UserError

ALL = "all"  # the suite of all examples

Finding = Literal["below minimum", "worse", "better", ""]
Verdict = Literal["regress", "promote", "keep"]


@dataclass(frozen=True)
class SuiteResult:
    """How two models do on one suite, a named set of examples.

    Attributes:
        name: Of the suite.
        size: Number of its examples.
        new: Accuracy of the new model, from 0 to 1.
        old: Accuracy of the old one, if there is one.
        regressions: Examples that only the old model predicts correctly.
        fixes: Examples that only the new one does.
        min_accuracy: The least accuracy of a new model.
        finding: What is significant, or nothing.
    """

    name: str
    size: int
    new: float
    old: float | None
    regressions: int
    fixes: int
    min_accuracy: float
    finding: Finding

    def __str__(self) -> str:
        """Return the name and the accuracies."""
        if self.finding == "below minimum":
            required = f"at least {self.min_accuracy:.1%} required"
            return f"{self.name} ({self.new:.1%}, {required})"
        if self.old is None:
            return f"{self.name} ({self.new:.1%})"
        return f"{self.name} ({self.new:.1%} instead of {self.old:.1%})"


@dataclass(frozen=True)
class SuiteComparison:
    """The verdict on a new model.

    Attributes:
        verdict: `regress` if it is worse on a suite or below the minimum of one, else
            `promote` if it is better on one or there is no old model, else `keep`.
        reason: Why, in one sentence.
        suites: The results, of which the first is that of all examples.
    """

    verdict: Verdict
    reason: str
    suites: list[SuiteResult]

    def rows(self) -> list[list[str]]:
        """Lay out the results as a table: rows of cells, titles first."""
        rows = [["suite", "examples", "old", "new", "regressions", "fixes", ""]]
        for suite in self.suites:
            counts = [str(suite.regressions), str(suite.fixes)]
            old, new = f"{suite.old or 0:.1%}", f"{suite.new:.1%}"
            if suite.old is None:
                old, counts = "", ["", ""]
            rows.append([suite.name, str(suite.size), old, new, *counts, suite.finding])
        return rows


def compare_suites(
    new: Tensor,
    old: Tensor | None,
    suites: Mapping[str, Sequence[int]],
    min_accuracy: Mapping[str, float],
    alpha: float = 0.05,
    one_sided: Collection[str] = (),
) -> SuiteComparison:
    """Compare two models on the same examples, suite by suite.

    Args:
        new: Whether each prediction of the new model is correct, bool, shape (N,).
        old: The same of the production model, if there is one to compare with.
        suites: Rows of the examples by the name of the suite. Without rows of `all`,
            these are all examples.
        min_accuracy: The least accuracy, from 0 to 1, by the name of a suite.
        alpha: The highest probability that an equally good model is called worse, over
            all suites together.
        one_sided: Names of suites on which a model can be worse, but not better.

    Returns:
        The verdict and what it rests on.

    Raises:
        UserError: A suite is empty, or a minimum accuracy is of no suite.

    Examples:
        >>> old = torch.arange(100) < 90
        >>> compare_suites(torch.arange(100) < 70, old, {}, {}).reason
        'worse on all (70.0% instead of 90.0%)'
        >>> compare_suites(torch.arange(100) < 88, old, {}, {}).reason
        'no significant difference: 2 regressions and 0 fixes in 100 examples'
        >>> compare_suites(torch.arange(100) < 88, old, {}, {"all": 0.95}).reason
        'below minimum on all (88.0%, at least 95.0% required)'
    """
    rows_of: dict[str, Sequence[int]] = {ALL: range(len(new)), **suites}
    for name in min_accuracy:
        if name not in rows_of:
            raise UserError(
                f"min_accuracy names a suite {name!r}, but the suites are: "
                f"{', '.join(rows_of)}"
            )
    results = []
    for name, rows in rows_of.items():
        if not rows:
            raise UserError(f"the suite {name} has no examples")
        index = torch.tensor([*rows])  # (S,)
        before = None if old is None else old[index]  # (S,)
        weight = 0.5 if name == ALL else 0.5 / (len(rows_of) - 1)
        minimum = min_accuracy.get(name, 0)
        result = _compare_suite(name, new[index], before, minimum, weight * alpha)
        if name in one_sided and result.finding == "better":
            result = replace(result, finding="")
        results.append(result)
    return _conclude(results)


def require_minima(
    result: SuiteComparison, suites: Sequence[SuiteResult]
) -> SuiteComparison:
    """Add the minimum accuracies that a new model misses on further examples.

    Args:
        result: Of the comparison, which may leave out examples.
        suites: How the new model does on all examples.

    Returns:
        The verdict on both.
    """
    below = {suite.name: suite for suite in suites if suite.finding == "below minimum"}
    there = []
    for suite in result.suites:
        other = below.pop(suite.name, suite)
        if suite.finding != "below minimum":
            suite = replace(suite, new=other.new, finding=other.finding)
        there.append(suite)
    return _conclude([*there, *below.values()])


def _compare_suite(
    name: str, new: Tensor, old: Tensor | None, min_accuracy: float, alpha: float
) -> SuiteResult:
    """Compare two models on one suite.

    Args:
        name: Of the suite.
        new: Whether each prediction of the new model is correct, bool, shape (S,).
        old: The same of the old one.
        min_accuracy: The least accuracy, from 0 to 1.
        alpha: As in `compare_suites`, for this suite alone.

    Returns:
        Its result.
    """
    accuracy, before = _accuracy(new), None if old is None else _accuracy(old)
    regressions = 0 if old is None else int((old & ~new).sum())
    fixes = 0 if old is None else int((new & ~old).sum())
    finding: Finding = ""
    if accuracy < min_accuracy:
        finding = "below minimum"
    elif _p_value(regressions, fixes) < alpha:
        finding = "worse"
    elif _p_value(fixes, regressions) < alpha:
        finding = "better"
    return SuiteResult(
        name, len(new), accuracy, before, regressions, fixes, min_accuracy, finding
    )


def _accuracy(correct: Tensor) -> float:
    return correct.double().mean().item()


def _p_value(more: int, less: int) -> float:
    """Return the one-sided p-value of the sign test."""
    # Imported here: prediction needs none of SciPy.
    from scipy.stats import binomtest

    if more <= less:
        return 1.0
    return float(binomtest(more, more + less, alternative="greater").pvalue)


def _conclude(results: list[SuiteResult]) -> SuiteComparison:
    """Reach the verdict from the results of all suites."""
    found: dict[Finding, list[str]] = {}
    for result in results:
        found.setdefault(result.finding, []).append(str(result))
    order: tuple[Finding, ...] = ("below minimum", "worse", "better")
    reasons = [
        f"{finding} on {', '.join(found[finding])}"
        for finding in order
        if finding in found
    ]
    everything = results[0]
    if "below minimum" in found or "worse" in found:
        return SuiteComparison("regress", "; ".join(reasons), results)
    if "better" in found:
        return SuiteComparison("promote", reasons[0], results)
    if everything.old is None:
        return SuiteComparison(
            "promote", "there is no production model to compare with", results
        )
    reason = (
        f"no significant difference: {everything.regressions} regressions and "
        f"{everything.fixes} fixes in {everything.size} examples"
    )
    return SuiteComparison("keep", reason, results)
