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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import paths
from ..errors import UserError
from ..run_records import read_settings

ALL = "all"  # the suite of all examples
PERMUTATIONS = 20_000  # of more groups than 14, a random sample

Finding = Literal["below minimum", "worse", "better", "too few groups", ""]
Verdict = Literal["regress", "promote", "keep"]
Criterion = Literal["correct", "error"]


@dataclass(frozen=True)
class Settings:
    """How models are compared.

    Attributes:
        mode: `report` blocks nothing; `enforce` makes a regression an error.
        alpha: Significance level: the highest probability that an equally good model
            is called worse, over all suites together.
        min_accuracy: The least fraction of correct predictions, by suite.
        decides: What is compared: `correct`, the share of correct predictions, or
            `error`, how wrong they are. The other is shown, too.
    """

    mode: Literal["report", "enforce"] = "report"
    alpha: float = 0.05
    min_accuracy: dict[str, float] = field(default_factory=dict)
    decides: Criterion = "correct"

    def __post_init__(self) -> None:
        """Raise a `ValueError` for what is no fraction."""
        for name, value in {"alpha": self.alpha, **self.min_accuracy}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}: give a fraction from 0 to 1")


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; by default, from `configs/comparison.yaml`."""
    return read_settings(Settings, path or paths.settings())


@dataclass(frozen=True)
class Outcomes:
    """How a model does on N examples."""

    correct: Tensor  # whether each prediction is, bool, shape (N,)
    errors: Tensor | None = None  # shape (N,), the less the better; if known

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
    """How two models do on one suite, a named set of examples."""

    name: str
    size: int  # number of examples
    new: float  # accuracy of the new model, from 0 to 1
    old: float | None  # that of the old one, if there is one
    regressions: int  # examples that only the old model predicts correctly
    fixes: int  # examples that only the new one does
    min_accuracy: float  # of a new model
    finding: Finding  # what is significant
    new_error: float | None = None  # mean, if it is known
    old_error: float | None = None
    decides: Criterion = "correct"  # what the finding is about
    groups: int | None = None  # their number, if there are groups

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

    It is `regress` if the model is worse on a suite or below the minimum of one, else
    `promote` if it is better on one or there is no old model, else `keep`.
    """

    verdict: Verdict
    reason: str  # in one sentence
    suites: list[SuiteResult]  # all examples first

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
    suites: Mapping[str, Sequence[int]],  # rows; `all` has every row if not given
    min_accuracy: Mapping[str, float],  # from 0 to 1, by suite
    alpha: float = 0.05,  # probability to call an equal model worse, over all suites
    one_sided: Collection[str] = (),  # suites where a model can be worse, not better
    groups: Sequence[str] | None = None,  # of examples that depend on each other
    decides: Criterion = "correct",
) -> SuiteComparison:
    """Compare two models on the same N examples, suite by suite.

    An empty suite, a minimum of no suite, and missing errors that shall decide are each
    a `UserError`.
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

    The result may leave out examples; `suites` says how the new model does on all.
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
    groups: NDArray[np.int64] | None,  # their numbers, shape (S,)
    decides: Criterion,
) -> SuiteResult:
    """Compare two models on one suite of S examples, at its own level alpha."""
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

    `gains` says how much better it is on each example; both have the shape (S,). Of two
    equally good models, the gain of a group is as likely positive as negative.
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
    reasons = [f"{kind} on {', '.join(found[kind])}" for kind in order if kind in found]
    everything = results[0]
    if "below minimum" in found or "worse" in found:
        return SuiteComparison("regress", "; ".join(reasons), results)
    if "better" in found:
        return SuiteComparison("promote", reasons[0], results)
    if everything.old is None:
        reason = "there is no production model to compare with"
        return SuiteComparison("promote", reason, results)
    if everything.finding == "too few groups":
        reason = f"no verdict: too few groups on all, only {everything.groups}"
    elif everything.decides == "error" and everything.old_error is not None:
        reason = (
            f"no significant difference: mean error {everything.new_error:.4g} instead "
            f"of {everything.old_error:.4g} in {everything.size} examples"
        )
    else:
        reason = (
            f"no significant difference: {everything.regressions} regressions and "
            f"{everything.fixes} fixes in {everything.size} examples"
        )
    return SuiteComparison("keep", reason, results)
