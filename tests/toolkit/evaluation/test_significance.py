"""Does the paired significance test find regressions, and ignore chance?"""

import pytest
import torch

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation.significance import compare_suites

# 200 examples in two suites; the old model is wrong on the last of each.
SUITES = {"left": range(100), "right": range(100, 200)}
OLD = torch.ones(200, dtype=torch.bool)
OLD[[99, 199]] = False


def test_insignificant_differences_keep_the_old_model() -> None:
    """A few regressions and fixes occur whenever a model is retrained."""
    new = OLD.clone()
    new[[3, 4, 5]] = False
    new[[99, 199]] = True
    result = compare_suites(new, OLD, SUITES, {})
    assert result.verdict == "keep"
    assert "3 regressions and 2 fixes in 200 examples" in result.reason
    assert [suite.finding for suite in result.suites] == ["", "", ""]


def test_regression_in_one_suite_is_found() -> None:
    """An equal improvement in another suite does not hide the regression."""
    new = torch.ones_like(OLD)
    new[:10] = False
    old = torch.ones_like(OLD)
    old[100:110] = False
    result = compare_suites(new, old, SUITES, {})
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
    assert compare_suites(new, torch.ones_like(OLD), {}, {}).verdict == "keep"
    new[5] = False  # now it is 0.016
    assert compare_suites(new, torch.ones_like(OLD), {}, {}).verdict == "regress"


def test_better_model_is_promoted() -> None:
    """The reason names the suites that improved significantly."""
    old = torch.ones_like(OLD)
    old[:20] = False
    result = compare_suites(torch.ones_like(OLD), old, SUITES, {})
    assert result.verdict == "promote"
    assert "left (100.0% instead of 80.0%)" in result.reason


def test_one_sided_suites_find_regressions_only() -> None:
    """A suite chosen for errors of the old model cannot show an improvement."""
    old = torch.ones_like(OLD)
    old[:20] = False
    suites = {"all": SUITES["right"], "errors": range(20), "right ones": range(20, 90)}
    better = torch.ones_like(OLD)
    result = compare_suites(better, old, suites, {}, one_sided=["errors"])
    assert result.verdict == "keep"
    assert result.suites[0].size == len(SUITES["right"])
    assert compare_suites(better, old, suites, {}).verdict == "promote"
    worse = better.clone()
    worse[20:40] = False
    one_sided = ["errors", "right ones"]
    result = compare_suites(worse, old, suites, {}, one_sided=one_sided)
    assert result.reason.startswith("worse on right ones (71.4% instead of")


def test_alpha_is_corrected_for_the_number_of_suites() -> None:
    """Six regressions are significant in a single suite, not in one of twenty."""
    new, old = torch.ones_like(OLD), torch.ones_like(OLD)
    new[:6] = False
    old[100:106] = False  # the average stays
    assert compare_suites(new, old, {"left": SUITES["left"]}, {}).verdict == "regress"
    many = {f"suite {number}": SUITES["left"] for number in range(20)}
    assert compare_suites(new, old, many, {}).verdict == "keep"
    assert compare_suites(new, old, many, {}, alpha=0.7).verdict == "regress"


def test_minimum_accuracy_is_independent_of_old_model() -> None:
    """A suite below its minimum is a regression, even if the old model is worse."""
    new = torch.zeros_like(OLD)
    new[:150] = True
    for old in (None, torch.zeros_like(OLD)):
        assert (
            compare_suites(new, old, SUITES, {"left": 1, "right": 0.5}).verdict
            == "promote"
        )
        result = compare_suites(new, old, SUITES, {"right": 0.6})
        assert result.verdict == "regress"
        wanted = "below minimum on right (50.0%, at least 60.0% required)"
        assert result.reason.startswith(wanted)


def test_first_model_is_promoted() -> None:
    """Without a production model, the table has no accuracy of an old model."""
    result = compare_suites(OLD, None, SUITES, {})
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
    titles, *rows = compare_suites(new, OLD, SUITES, {}).rows()
    assert titles == ["suite", "examples", "old", "new", "regressions", "fixes", ""]
    assert rows[1] == ["left", "100", "99.0%", "79.0%", "20", "0", "worse"]
    assert rows[2] == ["right", "100", "99.0%", "100.0%", "0", "1", ""]


def test_unknown_or_empty_suites_are_named() -> None:
    """A minimum for an unknown suite and a suite without examples are errors."""
    with pytest.raises(UserError, match="suite 'Left', but the suites are: all,"):
        compare_suites(OLD, OLD, SUITES, {"Left": 0.5})
    with pytest.raises(UserError, match="the suite nobody has no examples"):
        compare_suites(OLD, OLD, {"nobody": []}, {})
