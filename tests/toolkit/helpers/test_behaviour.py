"""Are answers judged by the ceiling, and told as what they are?"""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.behaviour import Checklist, Result, pytest_terminal_summary, table

MAX_FAILURE_RATES = {"test_max_failure_rate_is_that_of_the_test": 0.25}


class Notes(dict[str, Any]):
    """What a test records."""

    def result(self) -> Result:
        """Return the result among it."""
        return Result(**json.loads(self["behaviour"]))


@pytest.fixture
def notes() -> Notes:
    """Nothing so far."""
    return Notes()


def checklist_for(max_failure_rate: float, notes: Notes) -> Checklist:
    """A checklist of a test with this ceiling."""
    return Checklist("test_it", max_failure_rate, notes.__setitem__)


def test_known_answers_are_required(notes: Notes) -> None:
    """Each wrong one is named."""
    checklist = checklist_for(0.5, notes)
    checklist.minimum_functionality("names", ["a", "b"], ["a", "c"], ["one", "two"])
    result = notes.result()
    assert (result.capability, result.kind) == ("names", "minimum functionality")
    assert (result.asked, result.failed, result.rate) == (2, 1, 0.5)
    assert result.first == ["two: b instead of c"]


def test_answers_must_stay(notes: Notes) -> None:
    """Without names it is the number of the question."""
    checklist_for(0.4, notes).invariance("place", [1, 2, 3], [1, 5, 3])
    assert notes.result().kind == "invariance"
    assert notes.result().first == ["question 2: 2 became 5"]


def test_answers_must_change_as_expected(notes: Notes) -> None:
    """What happened instead is said by the test."""
    checklist = checklist_for(0.5, notes)
    checklist.directional_expectation("ink", [False, True], ["up", "down"])
    assert notes.result().kind == "directional expectation"
    assert notes.result().first == ["question 1: up"]


def test_too_many_failures_are_one(notes: Notes) -> None:
    """The message has the rate, the ceiling and the first that failed."""
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


def test_nothing_may_fail_at_a_ceiling_of_nothing(notes: Notes) -> None:
    """One of a thousand is too many, and none is not."""
    checklist = checklist_for(0, notes)
    checklist.invariance("place", [0] * 1000, [0] * 1000)
    with pytest.raises(pytest.fail.Exception, match="1 of 1000 failed"):
        checklist.invariance("place", [0] * 1000, [0] * 999 + [1])


def test_test_without_questions_fails(notes: Notes) -> None:
    """It would be green for ever."""
    with pytest.raises(pytest.fail.Exception, match="test_it asks nothing"):
        checklist_for(1, notes).invariance("place", [], [])


def test_max_failure_rate_is_that_of_the_test(checklist: Checklist) -> None:
    """As it stands at the head of the file."""
    assert checklist.max_failure_rate == MAX_FAILURE_RATES[checklist.test]


def test_ceiling_is_nothing_by_default(checklist: Checklist) -> None:
    """A new test begins strictly."""
    assert checklist.max_failure_rate == 0


@pytest.mark.parametrize(
    ("max_failure_rates", "message"),
    [
        ({"test_renamed": 0.1}, "there is no test test_renamed here"),
        (
            {"test_mistakes_in_max_failure_rates_are_named": 50},
            "is a fraction, from 0 to 1",
        ),
    ],
)
def test_mistakes_in_max_failure_rates_are_named(
    max_failure_rates: dict[str, float],
    message: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A ceiling that holds for nothing is one."""
    monkeypatch.setattr(request.module, "MAX_FAILURE_RATES", max_failure_rates)
    with pytest.raises(pytest.fail.Exception, match=message):
        request.getfixturevalue("checklist")


def result(capability: str, kind: str, asked: int, failed: int) -> Result:
    """The result of a test about a capability."""
    first = ["one: a became b"][:failed]
    return Result(f"test_{capability}", capability, kind, asked, failed, first, 0.5)


def test_table_adds_up_the_tests_of_a_cell() -> None:
    """A line for each capability, a column for each kind."""
    results = [
        result("place", "invariance", 10, 1),
        result("place", "invariance", 30, 3),
        result("ink", "directional expectation", 4, 0),
    ]
    assert table(results) == [
        "capability  minimum functionality  invariance  directional expectation",
        "ink                                                               0.0%",
        "place                                   10.0%",
    ]


def test_table_ends_the_run() -> None:
    """With what failed, in tests that are green, too; not where nothing was asked."""
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
    assert lines[2] == "place                                   50.0%"
    assert lines[3:] == [
        "\ntest_place: 2 of 4 failed (50.0%, at most 50.0% may)",
        "  one: a became b",
        "  and 1 more",
    ]
