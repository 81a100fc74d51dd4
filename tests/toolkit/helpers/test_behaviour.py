"""Do behavioural tests enforce their maximum failure rate and report results?"""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.behaviour import Checklist, Result, pytest_terminal_summary, table

MAX_FAILURE_RATES = {"test_max_failure_rate_is_read_from_the_module": 0.25}


class Notes(dict[str, Any]):
    """Properties that a test records."""

    def result(self) -> Result:
        """Return the recorded result."""
        return Result(**json.loads(self["behaviour"]))


@pytest.fixture
def notes() -> Notes:
    """No properties yet."""
    return Notes()


def checklist_for(max_failure_rate: float, notes: Notes) -> Checklist:
    """Return a checklist with this maximum failure rate."""
    return Checklist("test_it", max_failure_rate, notes.__setitem__)


def test_minimum_functionality_compares_with_labels(notes: Notes) -> None:
    """Each prediction that differs from its label is listed."""
    checklist = checklist_for(0.5, notes)
    checklist.minimum_functionality("names", ["a", "b"], ["a", "c"], ["one", "two"])
    result = notes.result()
    assert (result.capability, result.kind) == ("names", "minimum functionality")
    assert (result.asked, result.failed, result.rate) == (2, 1, 0.5)
    assert result.first == ["two: b instead of c"]


def test_invariance_lists_changed_predictions(notes: Notes) -> None:
    """An example without a name is listed by its number."""
    checklist_for(0.4, notes).invariance("place", [1, 2, 3], [1, 5, 3])
    assert notes.result().kind == "invariance"
    assert notes.result().first == ["question 2: 2 became 5"]


def test_directional_expectation_lists_failures(notes: Notes) -> None:
    """An example that changed in the wrong direction is listed."""
    checklist = checklist_for(0.5, notes)
    checklist.directional_expectation("ink", [False, True], ["up", "down"])
    assert notes.result().kind == "directional expectation"
    assert notes.result().first == ["question 1: up"]


def test_failure_rate_above_maximum_fails(notes: Notes) -> None:
    """The message has the rate, the maximum and the first failures."""
    checklist = checklist_for(0.5, notes)
    with pytest.raises(pytest.fail.Exception) as failure:
        checklist.invariance("place", "abcdef", "zyxwve", [*"123456"])
    assert str(failure.value).splitlines() == [
        "test_it: 6 of 6 failed (100.0%, at most 50.0% may)",
        "  1: a became z",
        "  2: b became y",
        "  3: c became x",
        "  and 3 more",
    ]
    assert notes.result().failed == 6


def test_zero_failure_rate_allows_no_failure(notes: Notes) -> None:
    """With a maximum of 0, one failure in 1000 fails the test."""
    checklist = checklist_for(0, notes)
    checklist.invariance("place", [0] * 1000, [0] * 1000)
    with pytest.raises(pytest.fail.Exception, match="1 of 1000 failed"):
        checklist.invariance("place", [0] * 1000, [0] * 999 + [1])


def test_empty_test_fails(notes: Notes) -> None:
    """A test without examples fails, as it would always pass."""
    with pytest.raises(pytest.fail.Exception, match="test_it asks nothing"):
        checklist_for(1, notes).invariance("place", [], [])


def test_max_failure_rate_is_read_from_the_module(checklist: Checklist) -> None:
    """The fixture reads the rate of its test from MAX_FAILURE_RATES."""
    assert checklist.max_failure_rate == MAX_FAILURE_RATES[checklist.test]


def test_max_failure_rate_is_zero_by_default(checklist: Checklist) -> None:
    """A test without an entry allows no failure."""
    assert checklist.max_failure_rate == 0


@pytest.mark.parametrize(
    ("max_failure_rates", "message"),
    [
        ({"test_renamed": 0.1}, "there is no test test_renamed here"),
        (
            {"test_invalid_max_failure_rates_are_named": 50},
            "is a fraction, from 0 to 1",
        ),
    ],
)
def test_invalid_max_failure_rates_are_named(
    max_failure_rates: dict[str, float],
    message: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unknown tests and rates outside 0 to 1 are errors."""
    monkeypatch.setattr(request.module, "MAX_FAILURE_RATES", max_failure_rates)
    with pytest.raises(pytest.fail.Exception, match=message):
        request.getfixturevalue("checklist")


def result(capability: str, kind: str, asked: int, failed: int) -> Result:
    """Return a result for this capability and kind of test."""
    first = ["one: a became b"][:failed]
    return Result(f"test_{capability}", capability, kind, asked, failed, first, 0.5)


def test_table_sums_tests_of_a_cell() -> None:
    """Rows are capabilities, columns are kinds of test."""
    results = [
        result("place", "invariance", 10, 1),
        result("place", "invariance", 30, 3),
        result("ink", "directional expectation", 4, 0),
    ]
    assert table(results) == [
        "capability minimum functionality invariance directional expectation",
        "ink                                                            0.0%",
        "place                                 10.0%",
    ]


def test_summary_lists_failures_of_passed_tests() -> None:
    """The summary has the table and the first failures, or nothing without results."""
    lines: list[str] = []
    reports: list[SimpleNamespace] = []
    reporter = SimpleNamespace(
        section=lines.append,
        write_line=lines.append,
        getreports=lambda outcome: reports if outcome == "passed" else [],
    )
    pytest_terminal_summary(reporter)
    assert not lines
    text = result("place", "invariance", 4, 2).__dict__
    report = {"user_properties": [("behaviour", json.dumps(text))]}
    reports += [SimpleNamespace(when=when, **report) for when in ("setup", "call")]
    pytest_terminal_summary(reporter)
    assert lines[0] == "failure rates by capability and kind of test"
    assert lines[2] == "place                                 50.0%"
    assert lines[3:] == [
        "\ntest_place: 2 of 4 failed (50.0%, at most 50.0% may)",
        "  one: a became b",
        "  and 1 more",
    ]
