"""Does the paired significance test find regressions, and ignore chance?"""

from typing import Any

import pytest
import torch

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation.significance import (
    Outcomes,
    SuiteComparison,
    compare_suites,
)

# 200 examples in two suites; the old model is wrong on the last of each.
SUITES = {"left": range(100), "right": range(100, 200)}
OLD = torch.ones(200, dtype=torch.bool)
OLD[[99, 199]] = False
EQUAL = 200  # comparisons of equally good models


def compare(
    new: torch.Tensor, old: torch.Tensor | None, *suites: Any, **options: Any
) -> SuiteComparison:
    """Compare two models by which predictions are correct."""
    before = None if old is None else Outcomes(old)
    return compare_suites(Outcomes(new), before, *suites, **options)


def test_insignificant_differences_keep_the_old_model() -> None:
    """A few regressions and fixes occur whenever a model is retrained."""
    new = OLD.clone()
    new[[3, 4, 5]] = False
    new[[99, 199]] = True
    result = compare(new, OLD, SUITES, {})
    assert result.verdict == "keep"
    assert "3 regressions and 2 fixes in 200 examples" in result.reason
    assert [suite.finding for suite in result.suites] == ["", "", ""]


def test_regression_in_one_suite_is_found() -> None:
    """An equal improvement in another suite does not hide the regression."""
    new = torch.ones_like(OLD)
    new[:10] = False
    old = torch.ones_like(OLD)
    old[100:110] = False
    result = compare(new, old, SUITES, {})
    assert result.verdict == "regress"
    assert result.reason.startswith("worse on left (90.0% instead of 100.0%)")
    everything, left, right = result.suites
    assert (everything.finding, left.finding, right.finding) == ("", "worse", "better")
    assert (left.regressions, left.fixes, right.regressions, right.fixes) == (
        10,
        0,
        0,
        10,
    )


def test_half_of_alpha_is_for_all_examples() -> None:
    """Five regressions alone have a p-value of 0.031, above half of alpha."""
    new = torch.ones_like(OLD)
    new[:5] = False
    assert compare(new, torch.ones_like(OLD), {}, {}).verdict == "keep"
    new[5] = False  # now it is 0.016
    assert compare(new, torch.ones_like(OLD), {}, {}).verdict == "regress"


def test_better_model_is_promoted() -> None:
    """The reason names the suites that improved significantly."""
    old = torch.ones_like(OLD)
    old[:20] = False
    result = compare(torch.ones_like(OLD), old, SUITES, {})
    assert result.verdict == "promote"
    assert "left (100.0% instead of 80.0%)" in result.reason


def test_one_sided_suites_find_regressions_only() -> None:
    """A suite chosen for errors of the old model cannot show an improvement."""
    old = torch.ones_like(OLD)
    old[:20] = False
    suites = {"all": SUITES["right"], "errors": range(20), "right ones": range(20, 90)}
    better = torch.ones_like(OLD)
    result = compare(better, old, suites, {}, one_sided=["errors"])
    assert result.verdict == "keep"
    assert result.suites[0].size == len(SUITES["right"])
    assert compare(better, old, suites, {}).verdict == "promote"
    worse = better.clone()
    worse[20:40] = False
    one_sided = ["errors", "right ones"]
    result = compare(worse, old, suites, {}, one_sided=one_sided)
    assert result.reason.startswith("worse on right ones (71.4% instead of")


def test_alpha_is_corrected_for_the_number_of_suites() -> None:
    """Six regressions are significant in a single suite, not in one of twenty."""
    new, old = torch.ones_like(OLD), torch.ones_like(OLD)
    new[:6] = False
    old[100:106] = False  # the average stays
    assert compare(new, old, {"left": SUITES["left"]}, {}).verdict == "regress"
    many = {f"suite {number}": SUITES["left"] for number in range(20)}
    assert compare(new, old, many, {}).verdict == "keep"
    assert compare(new, old, many, {}, alpha=0.7).verdict == "regress"


def test_minimum_accuracy_is_independent_of_old_model() -> None:
    """A suite below its minimum is a regression, even if the old model is worse."""
    new = torch.zeros_like(OLD)
    new[:150] = True
    for old in (None, torch.zeros_like(OLD)):
        assert compare(new, old, SUITES, {"left": 1, "right": 0.5}).verdict == "promote"
        result = compare(new, old, SUITES, {"right": 0.6})
        assert result.verdict == "regress"
        wanted = "below minimum on right (50.0%, at least 60.0% required)"
        assert result.reason.startswith(wanted)


def test_first_model_is_promoted() -> None:
    """Without a production model, the table has no accuracy of an old model."""
    result = compare(OLD, None, SUITES, {})
    assert (result.verdict, result.reason) == (
        "promote",
        "there is no production model to compare with",
    )
    assert result.rows()[1] == ["all", "200", "", "99.0%", "", "", ""]


def test_table_has_a_row_for_each_suite() -> None:
    """A row has both accuracies, the regressions, the fixes and the finding."""
    new = OLD.clone()
    new[:20] = False
    new[199] = True
    titles, *rows = compare(new, OLD, SUITES, {}).rows()
    assert titles == ["suite", "examples", "old", "new", "regressions", "fixes", ""]
    assert rows[1] == ["left", "100", "99.0%", "79.0%", "20", "0", "worse"]
    assert rows[2] == ["right", "100", "99.0%", "100.0%", "0", "1", ""]


def test_unknown_or_empty_suites_are_named() -> None:
    """A minimum for an unknown suite and a suite without examples are errors."""
    with pytest.raises(UserError, match="suite 'Left', but the suites are: all,"):
        compare(OLD, OLD, SUITES, {"Left": 0.5})
    with pytest.raises(UserError, match="the suite nobody has no examples"):
        compare(OLD, OLD, {"nobody": []}, {})


def dependent(seed: int, count: int = 60) -> tuple[torch.Tensor, list[str]]:
    """Return whether two equal models are correct on groups of 8, shape (2, N).

    Each model is right or wrong on a whole group more often than on single examples.
    """
    generator = torch.Generator().manual_seed(seed)
    group = torch.rand(2, count, 1, generator=generator)
    single = torch.rand(2, count, 8, generator=generator)
    correct = (0.8 * group + 0.2 * single).flatten(1) < 0.8  # (2, N)
    return correct, [str(row // 8) for row in range(8 * count)]


def test_dependent_examples_are_compared_by_group() -> None:
    """Of equal models at most 5 % are called different, and many by the sign test."""
    found = {True: 0, False: 0}
    for seed in range(EQUAL):
        (new, old), groups = dependent(seed)
        for grouped in found:
            options = {"groups": groups} if grouped else {}
            found[grouped] += compare(new, old, {}, {}, **options).verdict != "keep"
    assert found[True] <= 0.05 * EQUAL
    assert found[False] > 4 * 0.05 * EQUAL


def test_worse_groups_are_a_regression() -> None:
    """A model that fails on many groups is worse, by the exact test."""
    new = torch.ones(40, dtype=torch.bool)
    groups = [f"patient {row // 4}" for row in range(40)]
    new[:24] = False  # six of ten patients: 1 in 64
    result = compare(new, torch.ones_like(new), {}, {}, groups=groups)
    assert result.reason == "worse on all (40.0% instead of 100.0%)"
    assert result.rows()[1][:3] == ["all", "40", "10"]
    new[20:24] = True  # five of ten: 1 in 32
    assert compare(new, torch.ones_like(new), {}, {}, groups=groups).verdict == "keep"


def test_groups_of_one_are_independent_examples() -> None:
    """The permutation test of single examples equals the sign test."""
    for wrong in range(4, 9):
        new = torch.ones_like(OLD)
        new[:wrong] = False
        alone = [str(row) for row in range(len(new))]
        expected = compare(new, torch.ones_like(OLD), {}, {})
        found = compare(new, torch.ones_like(OLD), {}, {}, groups=alone)
        assert (found.verdict, found.reason) == (expected.verdict, expected.reason)


def test_too_few_groups_give_no_verdict() -> None:
    """Five groups cannot reach half of alpha, whatever the difference is."""
    new = torch.zeros(50, dtype=torch.bool)
    groups = [str(row % 5) for row in range(50)]
    result = compare(new, torch.ones_like(new), {}, {}, groups=groups)
    reason = "no verdict: too few groups on all, only 5"
    assert (result.verdict, result.reason) == ("keep", reason)
    assert result.suites[0].finding == "too few groups"
    sixth = [str(row % 6) for row in range(50)]
    assert compare(new, torch.ones_like(new), {}, {}, groups=sixth).verdict == "regress"
    minimum = compare(new, torch.ones_like(new), {}, {"all": 0.5}, groups=groups)
    assert minimum.verdict == "regress"


def test_errors_decide_where_they_are_to() -> None:
    """A model whose errors shrink is better, although no prediction becomes correct."""
    generator = torch.Generator().manual_seed(1)
    right = torch.zeros(100, dtype=torch.bool)
    errors = 50 + 10 * torch.rand(100, generator=generator)
    old, new = Outcomes(right, errors), Outcomes(right, errors - 1)
    assert compare_suites(new, old, {}, {}).verdict == "keep"
    result = compare_suites(new, old, {}, {}, decides="error")
    assert result.verdict == "promote"
    assert result.reason.startswith("better on all (error 54.06 instead of 55.06")
    assert result.rows()[0][-3:] == ["old error", "new error", ""]
    other = Outcomes(right, errors[torch.randperm(100, generator=generator)])
    kept = compare_suites(other, old, {}, {}, decides="error")
    assert kept.verdict == "keep"
    assert kept.reason.startswith("no significant difference: mean error ")
    with pytest.raises(UserError, match="but the evaluation has no attribute errors"):
        compare_suites(Outcomes(right), old, {}, {}, decides="error")
