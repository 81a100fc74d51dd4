"""A paired significance test: is a new model better or worse, and on which suite?

Only the examples count that one of the two models predicts correctly and the other does
not: of two equally good models, each gets half of these. The exact sign test (McNemar,
1947) computes the probability of a larger difference.

It takes examples as independent. Those of a group, such as the images of a patient, are
right or wrong together, and the sign test would be much too sure. Then a permutation
test (Fisher, 1935) exchanges the two models in whole groups: exactly if there are few,
else in random ones. It does so for errors that have a size, too, such as the distance
from a number: an example is a group of its own there.

There is a test for each suite, and a dozen tests at a level of 5 % would call every
second equally good model worse. So the suites divide alpha among them (Bonferroni
correction): the suite of all examples, where most regressions show, gets half of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError

ALL = "all"  # the suite of all examples
PERMUTATIONS = 20_000  # of more groups than 14, a random sample

Finding = Literal["below minimum", "worse", "better", "too few groups", ""]
Verdict = Literal["regress", "promote", "keep"]
Criterion = Literal["correct", "error"]


@dataclass(frozen=True)
class Outcomes:
    """How a model does on N examples.

    Attributes:
        correct: Whether each prediction is correct, bool, shape (N,).
        errors: How wrong each one is, the less the better, shape (N,); if known.
    """

    correct: Tensor
    errors: Tensor | None = None

    def __getitem__(self, rows: Tensor) -> "Outcomes":
        """Return those of some examples."""
        errors = None if self.errors is None else self.errors[rows]
        return Outcomes(self.correct[rows], errors)

    @property
    def accuracy(self) -> float:
        """Return the fraction of correct predictions."""
        return self.correct.double().mean().item()

    @property
    def error(self) -> float | None:
        """Return the mean error, if it is known."""
        return None if self.errors is None else self.errors.double().mean().item()


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
        new_error: Mean error of the new model, if it is known.
        old_error: That of the old one.
        decides: What the finding is about.
        groups: Number of groups of examples, if there are groups.
    """

    name: str
    size: int
    new: float
    old: float | None
    regressions: int
    fixes: int
    min_accuracy: float
    finding: Finding
    new_error: float | None = None
    old_error: float | None = None
    decides: Criterion = "correct"
    groups: int | None = None

    def __str__(self) -> str:
        """Return the name and what decides."""
        if self.finding == "below minimum":
            required = f"at least {self.min_accuracy:.1%} required"
            return f"{self.name} ({self.new:.1%}, {required})"
        if self.old is None:
            return f"{self.name} ({self.new:.1%})"
        if self.decides == "error":
            errors = f"{self.new_error:.4g} instead of {self.old_error:.4g}"
            return f"{self.name} (error {errors})"
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
        errors = any(suite.new_error is not None for suite in self.suites)
        groups = any(suite.groups is not None for suite in self.suites)
        titles = ["suite", "examples", *["groups"] * groups]
        titles += ["old", "new", "regressions", "fixes"]
        rows = [[*titles, *["old error", "new error"] * errors, ""]]
        for suite in self.suites:
            counts = [str(suite.regressions), str(suite.fixes)]
            old, new = f"{suite.old or 0:.1%}", f"{suite.new:.1%}"
            if suite.old is None:
                old, counts = "", ["", ""]
            sizes = [str(suite.size), *[str(suite.groups or "")] * groups]
            row = [suite.name, *sizes, old, new, *counts]
            for error in (suite.old_error, suite.new_error)[: 2 * errors]:
                row.append("" if error is None else f"{error:.4g}")
            rows.append([*row, suite.finding])
        return rows


def compare_suites(
    new: Outcomes,
    old: Outcomes | None,
    suites: Mapping[str, Sequence[int]],
    min_accuracy: Mapping[str, float],
    alpha: float = 0.05,
    one_sided: Collection[str] = (),
    groups: Sequence[str] | None = None,
    decides: Criterion = "correct",
) -> SuiteComparison:
    """Compare two models on the same N examples, suite by suite.

    Args:
        new: How the new model does.
        old: The same of the production model, if there is one to compare with.
        suites: Rows of the examples by the name of the suite. Without rows of `all`,
            these are all examples.
        min_accuracy: The least accuracy, from 0 to 1, by the name of a suite.
        alpha: The highest probability that an equally good model is called worse, over
            all suites together.
        one_sided: Names of suites on which a model can be worse, but not better.
        groups: What each example belongs to, if examples depend on each other.
        decides: Whether the share of correct predictions is compared, or the errors.

    Returns:
        The verdict and what it rests on.

    Raises:
        UserError: A suite is empty, a minimum accuracy is of no suite, or errors are to
            decide and there are none.

    Examples:
        >>> old = Outcomes(torch.arange(100) < 90)
        >>> compare_suites(Outcomes(torch.arange(100) < 70), old, {}, {}).reason
        'worse on all (70.0% instead of 90.0%)'
        >>> new = Outcomes(torch.arange(100) < 88)
        >>> compare_suites(new, old, {}, {}).reason
        'no significant difference: 2 regressions and 0 fixes in 100 examples'
        >>> compare_suites(new, old, {}, {"all": 0.95}).reason
        'below minimum on all (88.0%, at least 95.0% required)'
        >>> pairs = [str(row // 50) for row in range(100)]
        >>> compare_suites(new, old, {}, {}, groups=pairs).reason
        'no verdict: too few groups on all, only 2'
    """
    rows_of: dict[str, Sequence[int]] = {ALL: range(len(new.correct)), **suites}
    if decides == "error" and new.errors is None:
        raise UserError(
            "errors are to decide (configs/comparison.yaml), but the evaluation has no "
            "attribute errors"
        )
    group_of = None if groups is None else np.unique(groups, return_inverse=True)[1]
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
        here = None if group_of is None else group_of[index.numpy()]  # (S,)
        level = weight * alpha
        result = _compare_suite(name, new[index], before, minimum, level, here, decides)
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
    name: str,
    new: Outcomes,
    old: Outcomes | None,
    min_accuracy: float,
    alpha: float,
    groups: NDArray[np.int64] | None,
    decides: Criterion,
) -> SuiteResult:
    """Compare two models on one suite of S examples.

    Args:
        name: Of the suite.
        new: How the new model does.
        old: The same of the old one.
        min_accuracy: The least accuracy, from 0 to 1.
        alpha: As in `compare_suites`, for this suite alone.
        groups: The number of the group of each example, shape (S,).
        decides: As in `compare_suites`.

    Returns:
        Its result.
    """
    result = SuiteResult(
        name,
        len(new.correct),
        new.accuracy,
        None if old is None else old.accuracy,
        0 if old is None else int((old.correct & ~new.correct).sum()),
        0 if old is None else int((new.correct & ~old.correct).sum()),
        min_accuracy,
        "",
        new.error,
        None if old is None else old.error,
        decides,
        None if groups is None else len({*groups.tolist()}),
    )
    if result.new < min_accuracy:
        return replace(result, finding="below minimum")
    if old is None:
        return result
    # No verdict is possible if all groups together cannot reach the level.
    if result.groups is not None and 0.5**result.groups >= alpha:
        return replace(result, finding="too few groups")
    if decides == "error":
        if old.errors is None or new.errors is None:
            return result  # no errors are recorded of the old model
        gains = (old.errors.double() - new.errors.double()).numpy()  # (S,)
    else:
        gains = new.correct.double().numpy() - old.correct.double().numpy()  # (S,)
    if decides == "error" or groups is not None:
        p_value, better = _permutation_test(gains, groups)
    else:
        p_value, better = _sign_test(result.regressions, result.fixes)
    finding: Finding = "better" if better else "worse"
    return replace(result, finding=finding) if p_value < alpha else result


def _sign_test(regressions: int, fixes: int) -> tuple[float, bool]:
    """Return the one-sided p-value, and whether the new model is the better one."""
    # Imported here: prediction needs none of SciPy.
    from scipy.stats import binomtest

    if regressions == fixes:
        return 1.0, False
    more = max(regressions, fixes)
    test = binomtest(more, regressions + fixes, alternative="greater")
    return float(test.pvalue), fixes > regressions


def _permutation_test(
    gains: NDArray[np.float64], groups: NDArray[np.int64] | None
) -> tuple[float, bool]:
    """Return the one-sided p-value, and whether the new model is the better one.

    Of two equally good models, the gain of a group is as likely positive as negative.

    Args:
        gains: How much better the new model is on each example, shape (S,).
        groups: The number of the group of each example, shape (S,).

    Returns:
        The p-value of the sum of the gains, and its sign.
    """
    # Imported here: prediction needs none of SciPy.
    from scipy.stats import permutation_test

    sums = gains if groups is None else np.bincount(groups, gains)  # (G,)
    sums = sums[sums != 0]
    total = float(sums.sum())
    if total == 0 or len(sums) < 2:
        return (0.5 if total else 1.0), total > 0
    test = permutation_test(
        (np.sign(total) * sums,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=1000,
        alternative="greater",
        rng=np.random.default_rng(1),  # the same verdict each time
    )
    return float(test.pvalue), total > 0


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
    if everything.finding == "too few groups":
        reason = f"no verdict: too few groups on all, only {everything.groups}"
        return SuiteComparison("keep", reason, results)
    if everything.decides == "error" and everything.old_error is not None:
        reason = (
            f"no significant difference: mean error {everything.new_error:.4g} instead "
            f"of {everything.old_error:.4g} in {everything.size} examples"
        )
        return SuiteComparison("keep", reason, results)
    reason = (
        f"no significant difference: {everything.regressions} regressions and "
        f"{everything.fixes} fixes in {everything.size} examples"
    )
    return SuiteComparison("keep", reason, results)
